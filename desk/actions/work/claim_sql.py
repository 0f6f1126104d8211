"""The statements of a claim, at the driver's own level, for `desk.actions.work.claims`.

SQLite: whoever has begun is alone, so what holds for the first statement holds for all of them.

PostgreSQL: one statement, each part of it driven by the one before. A claim whose agent was free and whose item was not asks for
an offer without an item; the database refuses that, and the whole statement with it. The lock that keeps events in order is taken
when everything else is written (the count makes it so), as in `Store`: who waits for a row must not hold it.
"""

from __future__ import annotations

from desk.store import BELL, EVENT_ORDER_LOCK

AGENT = """
UPDATE agent SET used = ?, version = version + 1
WHERE id = ? AND version = ? AND active AND presence = 'available' AND capacity >= ?
  AND EXISTS (SELECT 1 FROM router_lease WHERE id = 1 AND epoch = ?)
  AND EXISTS (SELECT 1 FROM work_item WHERE id = ? AND state = 'waiting' AND version = ?)
"""
ITEM = """
UPDATE work_item SET state = 'offered', offered_at = ?, agent_id = ?, attempts = attempts + 1, version = version + 1
WHERE id = ? RETURNING ticket_id, customer_id, queue_id
"""
OFFER = """
INSERT INTO offer (item_id, agent_id, channel, weight, state, offered_at, deadline, epoch, reason)
VALUES (?, ?, ?, ?, 'offered', ?, ?, ?, ?)
"""
EVENT = """
INSERT INTO event (at, kind, actor_kind, actor_id, actor_name, ticket_id, customer_id, agent_id, item_id, queue_id, data)
VALUES (?, 'offer.made', ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_TAKEN = """
WITH taken AS (
  UPDATE agent SET used = %(used)s, version = version + 1
  WHERE id = %(agent)s AND version = %(agent_version)s AND active AND presence = 'available' AND capacity >= %(used)s
    AND EXISTS (SELECT 1 FROM router_lease WHERE id = 1 AND epoch = %(epoch)s)
  RETURNING id
), claimed AS (
  UPDATE work_item
  SET state = 'offered', offered_at = %(now)s, agent_id = taken.id, attempts = attempts + 1, version = version + 1
  FROM taken WHERE work_item.id = %(item)s AND state = 'waiting' AND version = %(item_version)s
  RETURNING work_item.id, ticket_id, customer_id, queue_id, taken.id AS agent_id
), made AS (
  INSERT INTO offer (item_id, agent_id, channel, weight, state, offered_at, deadline, epoch, reason)
  SELECT claimed.id, taken.id, %(channel)s, %(weight)s, 'offered', %(now)s, %(deadline)s, %(epoch)s, %(reason)s::json
  FROM taken LEFT JOIN claimed ON true
  RETURNING id, item_id
)
"""
_ALL_TAKEN = """
WITH wanted AS MATERIALIZED (
  SELECT * FROM unnest(%(item)s::bigint[], %(item_version)s::bigint[], %(agent)s::bigint[], %(agent_version)s::bigint[],
    %(channel)s::text[], %(weight)s::bigint[], %(used)s::bigint[], %(deadline)s::timestamptz[], %(reason)s::text[])
    AS wanted (item, item_version, agent, agent_version, channel, weight, used, deadline, reason)
), hands AS MATERIALIZED (
  SELECT agent, min(agent_version) AS first, count(*) AS count, (array_agg(used ORDER BY agent_version DESC))[1] AS used
  FROM wanted GROUP BY agent ORDER BY agent
), taken AS (
  UPDATE agent SET used = hands.used, version = version + count FROM hands
  WHERE id = agent AND version = first AND active AND presence = 'available' AND capacity >= hands.used
    AND EXISTS (SELECT 1 FROM router_lease WHERE id = 1 AND epoch = %(epoch)s)
  RETURNING id
), claimed AS (
  UPDATE work_item
  SET state = 'offered', offered_at = %(now)s, agent_id = taken.id, attempts = attempts + 1, version = version + 1
  FROM taken JOIN wanted ON agent = taken.id WHERE work_item.id = item AND state = 'waiting' AND version = item_version
  RETURNING work_item.id, ticket_id, customer_id, queue_id, taken.id AS agent_id
), made AS (
  INSERT INTO offer (item_id, agent_id, channel, weight, state, offered_at, deadline, epoch, reason)
  SELECT claimed.id, taken.id, channel, weight, 'offered', %(now)s, deadline, %(epoch)s, wanted.reason::json
  FROM taken JOIN wanted ON agent = taken.id LEFT JOIN claimed ON claimed.id = item
  RETURNING id, item_id
)
"""
_TOLD = f"""
, turn AS (
  SELECT pg_advisory_xact_lock({EVENT_ORDER_LOCK} + 0 * count(*)), pg_notify('{BELL}', '') FROM made HAVING count(*) > 0
), told AS (
  INSERT INTO event (at, kind, actor_kind, actor_id, actor_name, ticket_id, customer_id, agent_id, item_id, queue_id, data)
  SELECT %(now)s, 'offer.made', %(actor_kind)s, %(actor_id)s, %(actor_name)s, ticket_id, customer_id, claimed.agent_id,
    claimed.id, queue_id, json_build_object('offer', made.id)
  FROM turn CROSS JOIN made JOIN claimed ON claimed.id = made.item_id
  RETURNING id, item_id
)
SELECT made.item_id, made.id, ticket_id, customer_id, queue_id, told.id
FROM made JOIN claimed ON claimed.id = made.item_id JOIN told ON told.item_id = made.item_id
"""  # noqa: S608 - made of constants

_WON = "SELECT made.item_id, made.id, ticket_id, customer_id, queue_id FROM made JOIN claimed ON claimed.id = made.item_id"

ONE = _TAKEN + _WON
ONE_TOLD = _TAKEN + _TOLD
ALL_TOLD = _ALL_TAKEN + _TOLD
