"""The agents that `bench calls` plays: what they have done for the desk is in their report."""

from __future__ import annotations

import asyncio
from random import Random

from aiohttp import web

from desk.bench.call_agents import Report, ScriptedAgent, Task

LEG = {"call_sid": "CA1"}
STRIP = '<form action="/desk/calls/7/wrap-up">'


async def told_to_stop_while_the_answer_is_on_its_way() -> Report:
    asked, go = asyncio.Event(), asyncio.Event()

    async def strip(_: web.Request) -> web.Response:
        return web.Response(text=STRIP)

    async def wrap_up(_: web.Request) -> web.Response:
        asked.set()
        await go.wait()
        return web.Response()

    desk = web.Application()
    desk.add_routes([web.get("/desk/strip", strip), web.post("/desk/calls/7/wrap-up", wrap_up)])
    serving = web.AppRunner(desk)
    await serving.setup()
    door = web.TCPSite(serving, "127.0.0.1", 0)
    await door.start()
    report = Report()
    task = Task(url=f"http://127.0.0.1:{serving.addresses[0][1]}", softphone_url="", password="", emails=[], hurry=1000)
    agent = ScriptedAgent(task, "agent@desk.example", report, Random(1))
    await agent._perceived({"kind": "connected", **LEG})
    await agent._perceived({"kind": "ended", **LEG})
    await asked.wait()
    leaving = asyncio.get_running_loop().create_task(agent.sign_out())
    await asyncio.sleep(0)
    go.set()
    await leaving
    await serving.cleanup()
    return report


def test_a_wrap_up_whose_answer_is_on_its_way_when_the_agents_are_told_to_stop_is_counted():
    report = asyncio.run(told_to_stop_while_the_answer_is_on_its_way())

    assert (report.wrapped_up, report.not_wrapped_up, report.refused) == (1, [], [])
