"""Socket.IO 5: connection to namespaces, events, acknowledgements, disconnection, and packets that end a socket."""

import asyncio
import contextlib
import json
from typing import Any

import pytest

from .conftest import Keep
from .subject import REFERENCE, Subject, ours_alone
from .wire import Gone, Polling, WebSocket


async def test_connect_without_auth(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.open(subject.url))
    await client.send("40")
    answer = await client.text()
    assert answer.startswith("40{") and list(json.loads(answer[2:])) in (["sid"], ["sid", "pid"])
    assert await client.event() == ["auth", {}]


async def test_connect_with_auth(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.open(subject.url))
    await client.send('40{"token":"123","more":[1,null]}')
    assert (await client.text()).startswith("40{")
    assert await client.event() == ["auth", {"token": "123", "more": [1, None]}]


async def test_the_socket_id_is_not_the_session_id(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    assert client.id != client.opened["sid"]


async def test_connect_to_a_namespace(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.open(subject.url))
    await client.send('40/custom,{"token":"abc"}')
    assert (await client.text()).startswith('40/custom,{"sid":"')
    assert await client.text() == '42/custom,["auth",{"token":"abc"}]'


async def test_connect_to_a_namespace_without_auth(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.open(subject.url))
    await client.send("40/custom,")
    assert (await client.text()).startswith('40/custom,{"sid":"')
    assert await client.text() == '42/custom,["auth",{}]'


async def test_the_query_of_a_namespace_is_no_part_of_its_name_or_refused(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.open(subject.url))
    await client.send("40/custom?token=abc,")
    # Clients of protocol 4 sent it; Node's server takes it for a name that it does not know.
    assert (await client.text()).startswith(('40/custom,{"sid":"', "44/custom?token=abc,{"))


async def test_several_namespaces_on_one_session(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    main = client.id
    assert await client.enter("/custom") != main
    await client.send('42["echo",1]', '42/custom,["echo",2]', '42/custom,7["ack",3]')
    assert [await client.text() for _ in range(3)] == ['42["echo",1]', '42/custom,["echo",2]', "43/custom,7[3]"]


async def test_an_unknown_namespace_is_refused_and_the_session_stays(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.open(subject.url))
    await client.send("40/random")
    assert await client.text() == '44/random,{"message":"Invalid namespace"}'
    await client.enter()
    assert await client.call("ack", 1) == [1]


async def test_a_refusal_carries_its_data(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.open(subject.url))
    await client.send('40/secret,{"token":"wrong"}')
    answer = await client.text()
    assert answer.startswith("44/secret,{")
    assert json.loads(answer[len("44/secret,") :]) == {"message": "not allowed", "data": {"code": "wrong_token"}}


async def test_a_refused_client_may_try_again(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.open(subject.url))
    await client.send("40/secret,")
    assert (await client.text()).startswith("44/secret,")
    await client.enter("/secret", {"token": "right"})


async def test_a_refused_client_reaches_no_handler(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.open(subject.url))
    await client.send("40/secret,")
    assert (await client.text()).startswith("44/secret,")
    await client.send('42/secret,1["ack",1]')
    with contextlib.suppress(Gone):  # Its end is as good as silence.
        await client.silent()


async def test_an_event_comes_back(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send('42["echo",1,"2",{"3":[true,null,1.5]},[],"é🎉"]')
    assert await client.event() == ["echo", 1, "2", {"3": [True, None, 1.5]}, [], "é🎉"]


async def test_an_event_without_arguments(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send('42["echo"]')
    assert await client.event() == ["echo"]


async def test_numbers_beyond_what_a_double_holds_do_not_harm(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send('42["echo",123456789012345678]')
    assert (await client.event())[0] == "echo"
    await client.send('42["echo",1e400]', '42["echo",' + "9" * 5000 + "]")
    other = await keep(WebSocket.join(subject.url))
    assert await other.call("ack", 1) == [1]


async def test_an_event_nobody_knows_is_ignored(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send('42["nobody knows",1]', '42["echo",1]')
    assert await client.event() == ["echo", 1]


@pytest.mark.parametrize("number", ["0", "1", "456", "999999"])
async def test_an_acknowledgement_has_the_number_of_its_event(subject: Subject, keep: Keep, number: str) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send(f'42{number}["ack",1,"2",{{"3":[false]}}]')
    answer = await client.text()
    assert answer.startswith(f"43{number}[")
    assert json.loads(answer[answer.index("[") :]) == [1, "2", {"3": [False]}]


async def test_an_acknowledgement_may_have_no_arguments(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send('421["nothing",1]')
    assert await client.text() == "431[]"


async def test_an_event_without_a_number_gets_no_acknowledgement(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send('42["ack",1]')
    await client.silent()


async def test_acknowledgements_keep_apart(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send(*(f'42{number}["ack",{number}]' for number in range(50)))
    assert [await client.text() for _ in range(50)] == [f"43{number}[{number}]" for number in range(50)]


async def test_the_server_asks_and_the_client_acknowledges(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send('42["ask",1,"two"]')
    question = await client.text()
    start = question.index("[")
    assert question.startswith("42") and question[2:start].isdigit()
    assert json.loads(question[start:]) == ["question", 1, "two"]
    await client.send(f'43{question[2:start]}["because"]')
    assert await client.event() == ["answered", "because"]


async def test_an_acknowledgement_counts_once(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send('42["ask",1]')
    question = await client.text()
    number = question[2 : question.index("[")]
    await client.send(f"43{number}[1]", f"43{number}[2]", '42["echo",3]')
    assert [await client.event() for _ in range(2)] == [["answered", 1], ["echo", 3]]


async def test_an_acknowledgement_nobody_waits_for_is_ignored(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send("43999[1]", '42["echo",1]')
    assert await client.event() == ["echo", 1]


async def test_binary_events_with_several_attachments(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    parts = [b"\x01\x02\x03", b"", bytes(range(256)) * 300]
    holders = [{"_placeholder": True, "num": number} for number in range(3)]
    await client.send("453-" + json.dumps(["echo", holders[0], {"deep": [holders[1]]}, holders[2]]), *parts)
    head = await client.text()
    assert head.startswith("453-")
    assert json.loads(head[4:]) == ["echo", holders[0], {"deep": [holders[1]]}, holders[2]]
    assert [await client.receive() for _ in range(3)] == parts


async def test_an_attachment_may_stand_in_two_places_and_out_of_order(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    first, second = ({"_placeholder": True, "num": number} for number in (1, 0))
    await client.send("452-" + json.dumps(["echo", first, second]), b"zero", b"one")
    head = await client.text()
    parts = [await client.receive() for _ in range(2)]
    args = json.loads(head[4:])[1:]
    assert [parts[one["num"]] for one in args] == [b"one", b"zero"]


async def test_binary_acknowledgements(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    holders = [{"_placeholder": True, "num": number} for number in range(2)]
    await client.send("452-789" + json.dumps(["ack", *holders]), b"\x01", b"\x02\x03")
    head = await client.text()
    assert head.startswith("462-789[") and json.loads(head[head.index("[") :]) == holders
    assert [await client.receive() for _ in range(2)] == [b"\x01", b"\x02\x03"]


async def test_binary_in_a_namespace(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url, "/custom"))
    await client.send('451-/custom,12["ack",{"_placeholder":true,"num":0}]', b"\x00")
    assert await client.text() == '461-/custom,12[{"_placeholder":true,"num":0}]'
    assert await client.receive() == b"\x00"


async def test_the_client_acknowledges_with_binary(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send('42["ask",1]')
    question = await client.text()
    number = question[2 : question.index("[")]
    await client.send(f'461-{number}[{{"_placeholder":true,"num":0}}]', b"\x07\x08")
    assert await client.text() == '451-["answered",{"_placeholder":true,"num":0}]'
    assert await client.receive() == b"\x07\x08"


async def test_an_event_between_binary_parts_of_another_closes(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send('451-["echo",{"_placeholder":true,"num":0}]', '42["echo",1]')
    await client.closed()


async def test_the_client_leaves_a_namespace_and_stays_in_the_other(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    custom = await client.enter("/custom")
    await client.send("41/custom,", '42["echo","still here"]')
    assert await client.event() == ["echo", "still here"]
    assert [custom, "client namespace disconnect"] in (await client.call("reasons"))[0]


async def test_after_its_disconnection_a_namespace_hears_nothing_of_the_client(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.enter("/custom")
    await client.send("41/custom,", '42/custom,["echo",1]')
    with contextlib.suppress(Gone):  # Its end is as good as silence.
        await client.silent()


async def test_the_client_comes_back_to_a_namespace(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    first = await client.enter("/custom")
    await client.send("41/custom,")
    assert await client.enter("/custom") != first


async def test_the_server_disconnects_from_a_namespace(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    custom = await client.enter("/custom")
    await client.send('42/custom,["kick",false]')
    assert await client.text() in ("41/custom,", "41/custom")
    assert [custom, "server namespace disconnect"] in (await client.call("reasons"))[0]


async def test_the_reason_reaches_the_application_once(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send("41")
    await asyncio.sleep(0.2)
    await client.close()
    watcher = await keep(WebSocket.join(subject.url))
    await asyncio.sleep(0.2)
    (reasons,) = await watcher.call("reasons")
    assert [reason for one, reason in reasons if one == client.id] == ["client namespace disconnect"]


@pytest.mark.parametrize(
    "packet",
    [
        "4abc",
        "4",
        "49",
        '42{"a":1}',
        "42[",
        "42[]",
        "42[1",
        "42[null]",
        '42abc["ack",1]',
        '42["echo",1]x',
        "42/custom",
        '45["echo"]',
        '45-["echo"]',
        '45x-["echo"]',
        '451["echo",{"_placeholder":true,"num":0}]',
        "431{}",
        "46",
        "7",
        "x",
    ],
)
async def test_an_invalid_packet_closes_the_transport(subject: Subject, keep: Keep, packet: str) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send(packet)
    await client.closed()
    watcher = await keep(WebSocket.join(subject.url))
    (reasons,) = await watcher.call("reasons")
    reasons_of_malformed = ("parse error", "forced close") if REFERENCE else ("parse error",)
    assert next(reason for one, reason in reasons if one == client.id) in reasons_of_malformed


@ours_alone
@pytest.mark.parametrize(
    "packets",
    [
        ['451-["echo",{"_placeholder":true,"num":1}]', b"x"],
        ['451-["echo",{"_placeholder":true,"num":-1}]', b"x"],
        ['451-["echo",{"_placeholder":true,"num":"0"}]', b"x"],
        ['451-["echo",{"_placeholder":true,"num":0.5}]', b"x"],
        ['451-["echo",{"_placeholder":true}]', b"x"],
        ['4599999999-["echo",{"_placeholder":true,"num":0}]', b"x"],
        ["42"],
        ["451-"],
        ["43[1]"],
        ["431"],
        ["461-1"],
        [b"a part without its event"],
        ["42" + "[" * 100_000],
        ['42["echo",' + "[" * 5_000 + "]" * 5_000 + "]"],
        ["40"],
        ["40/custom,{"],
        ["40/custom,[1]x"],
    ],
)
async def test_a_packet_no_library_sends_closes_or_is_ignored(subject: Subject, keep: Keep, packets: list[Any]) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send(*packets)
    with contextlib.suppress(TimeoutError, Gone):  # Closed or ignored; what counts comes next.
        await client.receive(0.5)
        await client.closed(0.5)
    other = await keep(WebSocket.join(subject.url))
    assert await other.call("ack", 1) == [1]
    log = subject.log.read_text()
    assert "Traceback" not in log, log


@pytest.mark.parametrize("packet", ["4abc", '42["ack",1]', "40{", "40[1", "41", "43[1]"])
async def test_what_comes_before_connect_reaches_no_handler(subject: Subject, keep: Keep, packet: str) -> None:
    client = await keep(WebSocket.open(subject.url))
    await client.send(packet)
    with contextlib.suppress(Gone):  # Its end is as good as silence.
        await client.silent()


@pytest.mark.parametrize("packet", ["4abc", "40{", "40[1"])
async def test_an_invalid_connect_closes_the_transport(subject: Subject, keep: Keep, packet: str) -> None:
    client = await keep(WebSocket.open(subject.url))
    await client.send(packet)
    await client.closed()


async def test_a_session_without_connect_is_closed(hasty: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.open(hasty.url))
    ponging = asyncio.ensure_future(_pong(client))
    await asyncio.wait_for(ponging, 10)


async def test_a_polling_session_without_connect_is_closed(hasty: Subject, keep: Keep) -> None:
    client = await keep(Polling.open(hasty.url))
    async with asyncio.timeout(10):
        while (await client.get())[0] == 200:
            await client.post("3")


async def test_rooms_reach_their_members_and_skip_who_is_left_out(subject: Subject, keep: Keep) -> None:
    one, two, three = [await keep(WebSocket.join(subject.url)) for _ in range(3)]
    for client in (one, two):
        assert await client.call("join", "rooms-1") == ["rooms-1"]
    await one.send('42["say","rooms-1","hello",{"a":1}]')
    assert await two.event() == ["said", "hello", {"a": 1}]
    await two.call("leave", "rooms-1")
    await one.send('42["say","rooms-1","again"]')
    for client in (one, two, three):
        await client.silent(0.2)


async def test_binary_broadcasts(subject: Subject, keep: Keep) -> None:
    one, two = [await keep(WebSocket.join(subject.url)) for _ in range(2)]
    polling = await keep(Polling.join(subject.url))
    for client in (one, two):
        await client.call("join", "rooms-2")
    await polling.post('42["join","rooms-2"]')
    await one.send('451-["say","rooms-2",{"_placeholder":true,"num":0}]', b"\x01\x02")
    assert await two.text() == '451-["said",{"_placeholder":true,"num":0}]'
    assert await two.receive() == b"\x01\x02"
    packets: list[str] = []
    while len(packets) < 2:
        packets += await polling.packets()
    assert packets == ['451-["said",{"_placeholder":true,"num":0}]', "bAQI="]


async def test_a_slow_handler_holds_up_its_own_socket_alone(subject: Subject, keep: Keep) -> None:
    slow, quick = [await keep(WebSocket.join(subject.url)) for _ in range(2)]
    await slow.send('42["ask",1]')
    assert (await slow.text()).startswith("42")
    assert await quick.call("ack", 1) == [1]


async def _pong(client: WebSocket) -> None:
    with contextlib.suppress(Gone):
        while True:
            if await client.text() == "2":
                await client.send("3")
