"""The nouns, one to a file. Importing this package makes every table known to `Base.metadata`."""

from desk.events import Event
from desk.models.agent import Agent, AgentSkill, SignIn, StaffSession
from desk.models.api_token import ApiToken, IdempotentAnswer
from desk.models.article import Article, ArticleLink, ArticleRevision
from desk.models.attachment import Attachment
from desk.models.call import Call, CallLeg, CallRecording, CallSegment, HelpRequest, Webhook
from desk.models.call_flow import BlockedNumber, CallFlow, CallFlowVersion, LineClosure, OurNumber, VoiceAudio
from desk.models.callback import Callback
from desk.models.canned import CannedReply
from desk.models.chat import Chat
from desk.models.complaint import Complaint, Evidence
from desk.models.complaint_case import Allegation, ComplaintDecision, Redress
from desk.models.customer import ContactPoint, Customer, Organisation
from desk.models.draft import Draft
from desk.models.hand_up import HandUp
from desk.models.knowledge import ArticleFlag, ArticleVote, EqualWords, KnowledgeGap, SearchLog
from desk.models.mail import MailboxMail, OutboxMail, OutboxRecipient, PictureTrust, RawMail
from desk.models.mail_in import MailAccount, MailAddress, MailSilence, MailTally, SpooledMail, TicketParticipant
from desk.models.mention import Mention
from desk.models.message import Message
from desk.models.queue import Calendar, Queue, Team
from desk.models.recusal import Recusal
from desk.models.setting import Setting
from desk.models.survey import FollowUp, Survey
from desk.models.ticket import Ticket
from desk.models.timer import Timer
from desk.models.unsent import UnsentReply
from desk.models.work_item import Offer, RouterLease, WorkItem

__all__ = [
    "Agent",
    "AgentSkill",
    "Allegation",
    "ApiToken",
    "Article",
    "ArticleFlag",
    "ArticleLink",
    "ArticleRevision",
    "ArticleVote",
    "Attachment",
    "BlockedNumber",
    "Calendar",
    "Call",
    "CallFlow",
    "CallFlowVersion",
    "CallLeg",
    "CallRecording",
    "CallSegment",
    "Callback",
    "CannedReply",
    "Chat",
    "Complaint",
    "ComplaintDecision",
    "ContactPoint",
    "Customer",
    "Draft",
    "EqualWords",
    "Event",
    "Evidence",
    "FollowUp",
    "HandUp",
    "HelpRequest",
    "IdempotentAnswer",
    "KnowledgeGap",
    "LineClosure",
    "MailAccount",
    "MailAddress",
    "MailSilence",
    "MailTally",
    "MailboxMail",
    "Mention",
    "Message",
    "Offer",
    "Organisation",
    "OurNumber",
    "OutboxMail",
    "OutboxRecipient",
    "PictureTrust",
    "Queue",
    "RawMail",
    "Recusal",
    "Redress",
    "RouterLease",
    "SearchLog",
    "Setting",
    "SignIn",
    "SpooledMail",
    "StaffSession",
    "Survey",
    "Team",
    "Ticket",
    "TicketParticipant",
    "Timer",
    "UnsentReply",
    "VoiceAudio",
    "Webhook",
    "WorkItem",
]
