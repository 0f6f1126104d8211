"""The nouns, one to a file. Importing this package makes every table known to `Base.metadata`."""

from desk.events import Event
from desk.models.agent import Agent, AgentSkill, SignIn, StaffSession
from desk.models.api_token import ApiToken, IdempotentAnswer
from desk.models.article import Article, ArticleFile, ArticleLink, ArticleProduct, ArticleRevision, Product
from desk.models.attachment import Attachment
from desk.models.bulk_act import BulkAct
from desk.models.call import Call, CallLeg, CallRecording, CallSegment, HelpRequest, Webhook
from desk.models.call_flow import BlockedNumber, CallFlow, CallFlowVersion, LineClosure, OurNumber, VoiceAudio
from desk.models.callback import Callback
from desk.models.canned import CannedReply
from desk.models.chat import Chat, ChatAttention, ChatBlock
from desk.models.complaint import Complaint, Evidence
from desk.models.complaint_alert import ComplaintAlert, PatternNote
from desk.models.complaint_case import Allegation, ComplaintDecision, Redress
from desk.models.complaint_keeping import ComplaintHold, Disposal, Interview
from desk.models.complaint_notice import ComplaintNotice
from desk.models.complaint_policy import ComplaintClock, ComplaintPause, ComplaintPolicy
from desk.models.consent import Consent
from desk.models.contact_limit import ConductWarning, ContactLimit
from desk.models.corrective_action import ActionCase, CorrectiveAction
from desk.models.customer import ContactPoint, Customer, Organisation
from desk.models.draft import Draft
from desk.models.erasure import Erasure, RestrictedTicket
from desk.models.floor_note import FloorNote
from desk.models.follower import TicketFollower
from desk.models.hand_up import HandUp
from desk.models.knowledge import ArticleFlag, ArticleVote, EqualWords, KnowledgeGap, SearchLog
from desk.models.mail import MailboxMail, OutboxMail, OutboxRecipient, PictureTrust, RawMail
from desk.models.mail_in import MailAccount, MailAddress, MailSilence, MailTally, SpooledMail, TicketParticipant
from desk.models.mailed_link import MailedLink
from desk.models.mass_event import MassEvent
from desk.models.mention import Mention
from desk.models.message import Message
from desk.models.paper_letter import PaperLetter
from desk.models.queue import Calendar, Queue, Team
from desk.models.recusal import Recusal
from desk.models.representative import Representative
from desk.models.saved_view import SavedView
from desk.models.setting import Setting
from desk.models.survey import FollowUp, Survey
from desk.models.tag import Tag, TicketTag
from desk.models.ticket import Ticket
from desk.models.ticket_field import TicketField
from desk.models.ticket_link import TicketLink, TicketMove
from desk.models.timer import Timer
from desk.models.unsent import UnsentReply
from desk.models.work_item import Offer, RouterLease, WorkItem

__all__ = [
    "ActionCase",
    "Agent",
    "AgentSkill",
    "Allegation",
    "ApiToken",
    "Article",
    "ArticleFile",
    "ArticleFlag",
    "ArticleLink",
    "ArticleProduct",
    "ArticleRevision",
    "ArticleVote",
    "Attachment",
    "BlockedNumber",
    "BulkAct",
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
    "ChatAttention",
    "ChatBlock",
    "Complaint",
    "ComplaintAlert",
    "ComplaintClock",
    "ComplaintDecision",
    "ComplaintHold",
    "ComplaintNotice",
    "ComplaintPause",
    "ComplaintPolicy",
    "ConductWarning",
    "Consent",
    "ContactLimit",
    "ContactPoint",
    "CorrectiveAction",
    "Customer",
    "Disposal",
    "Draft",
    "EqualWords",
    "Erasure",
    "Event",
    "Evidence",
    "FloorNote",
    "FollowUp",
    "HandUp",
    "HelpRequest",
    "IdempotentAnswer",
    "Interview",
    "KnowledgeGap",
    "LineClosure",
    "MailAccount",
    "MailAddress",
    "MailSilence",
    "MailTally",
    "MailboxMail",
    "MailedLink",
    "MassEvent",
    "Mention",
    "Message",
    "Offer",
    "Organisation",
    "OurNumber",
    "OutboxMail",
    "OutboxRecipient",
    "PaperLetter",
    "PatternNote",
    "PictureTrust",
    "Product",
    "Queue",
    "RawMail",
    "Recusal",
    "Redress",
    "Representative",
    "RestrictedTicket",
    "RouterLease",
    "SavedView",
    "SearchLog",
    "Setting",
    "SignIn",
    "SpooledMail",
    "StaffSession",
    "Survey",
    "Tag",
    "Team",
    "Ticket",
    "TicketField",
    "TicketFollower",
    "TicketLink",
    "TicketMove",
    "TicketParticipant",
    "TicketTag",
    "Timer",
    "UnsentReply",
    "VoiceAudio",
    "Webhook",
    "WorkItem",
]
