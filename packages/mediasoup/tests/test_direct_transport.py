"""Direct transports: RTP, RTCP and messages between a router and this program."""

from __future__ import annotations

import pytest

from mediasoup import Closed, InvalidParameters, InvalidState, NotFound, Router, WorkerError

from .support import LOOPBACK, audio_parameters, audio_source, eventually, pump, record, rtp_packet

pytestmark = pytest.mark.anyio


async def test_rtp_comes_in_and_goes_out(router: Router) -> None:
    direct = await router.create_direct_transport()
    producer = await direct.produce(kind="audio", rtp_parameters=audio_parameters(headerExtensions=[]))
    consumer = await direct.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    seen = record(consumer, "rtp")
    for number in range(10):
        producer.send(rtp_packet(111, number, 1111, b"\xfcmine"))
    await eventually(lambda: len(seen) == 10)
    assert all(isinstance(packet, bytes) and packet.endswith(b"\xfcmine") for _, packet in seen)
    direct.send_rtcp(b"\x81\xc9\0\7" + bytes(28))
    assert (await direct.get_stats())[0]["type"] == "direct-transport"


async def test_it_can_listen_to_a_call(router: Router) -> None:
    producer, send = await audio_source(router)
    direct = await router.create_direct_transport()
    consumer = await direct.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    seen = record(consumer, "rtp")
    await pump(send)
    await eventually(lambda: len(seen) == 20)


async def test_messages_come_in_order(router: Router) -> None:
    direct = await router.create_direct_transport()
    producer = await direct.produce_data(label="chat", protocol="json", app_data=1)
    consumer = await direct.consume_data(data_producer_id=producer.id)
    seen = record(consumer, "message")
    assert (producer.type, consumer.type, consumer.label, consumer.protocol) == ("direct", "direct", "chat", "json")
    messages = [f"message {i}" for i in range(200)]
    for message in messages:
        producer.send(message)
    producer.send(b"\x01\x02")
    producer.send("")
    producer.send(b"")
    await eventually(lambda: len(seen) == 203)
    assert [data.decode() for _, data, _ in seen[:200]] == messages
    assert seen[200:] == [("message", b"\x01\x02", 53), ("message", b" ", 56), ("message", b"\0", 57)]
    (sent,) = await producer.get_stats()
    assert (sent["type"], sent["messagesReceived"]) == ("data-producer", 203)
    assert (await consumer.get_stats())[0]["messagesSent"] == 203
    with pytest.raises(InvalidState):
        await consumer.send("to myself")


async def test_pausing_messages(router: Router) -> None:
    direct = await router.create_direct_transport()
    producer = await direct.produce_data(paused=True)
    consumer = await direct.consume_data(data_producer_id=producer.id)
    seen = record(consumer, "message", "dataproducerpause", "dataproducerresume")
    assert producer.paused and consumer.data_producer_paused
    producer.send("lost")
    await producer.resume()
    await eventually(lambda: not consumer.data_producer_paused)
    await consumer.pause()
    producer.send("lost")
    await consumer.resume()
    producer.send("heard")
    await producer.pause()
    await eventually(lambda: consumer.data_producer_paused)
    assert [event for event, *_ in seen] == ["dataproducerresume", "message", "dataproducerpause"]
    assert (await producer.dump())["paused"] and not (await consumer.dump())["paused"]


async def test_subchannels(router: Router) -> None:
    direct = await router.create_direct_transport()
    producer = await direct.produce_data()
    consumer = await direct.consume_data(data_producer_id=producer.id, subchannels=[1, 2])
    assert sorted(consumer.subchannels) == [1, 2]
    await consumer.add_subchannel(3)
    await consumer.remove_subchannel(1)
    assert sorted(consumer.subchannels) == [2, 3]
    seen = record(consumer, "message")
    producer.send("no", subchannels=[1])
    producer.send("yes", subchannels=[1, 3])
    producer.send("needs 9", subchannels=[3], required_subchannel=9)
    await consumer.set_subchannels([9])
    producer.send("now", subchannels=[9])
    await eventually(lambda: len(seen) == 2)
    assert [data for _, data, _ in seen] == [b"yes", b"now"]


async def test_closing(router: Router) -> None:
    direct = await router.create_direct_transport()
    producer = await direct.produce_data()
    consumer = await direct.consume_data(data_producer_id=producer.id)
    second = await direct.consume_data(data_producer_id=producer.id)
    seen = record(consumer, "dataproducerclose", "transportclose", "close")
    other = record(second, "dataproducerclose", "transportclose", "close")
    second.close()
    second.close()
    producer.close()
    producer.close()
    await eventually(lambda: consumer.closed)
    assert seen == [("dataproducerclose",), ("close",)] and other == [("close",)]
    assert direct.data_producers == () and direct.data_consumers == ()
    again = await direct.produce_data()
    ends = record(again, "transportclose", "close")
    direct.close()
    assert ends == [("transportclose",), ("close",)]
    with pytest.raises(Closed):
        again.send("too late")
    with pytest.raises(Closed):
        await direct.produce_data()


async def test_wrong_messages(router: Router) -> None:
    direct = await router.create_direct_transport(max_message_size=1000)
    producer = await direct.produce_data()
    with pytest.raises(NotFound):
        await direct.consume_data(data_producer_id="unknown")
    with pytest.raises(InvalidParameters):
        await direct.consume_data(data_producer_id=producer.id, subchannels=[70_000])
    with pytest.raises(InvalidParameters):
        await direct.produce_data(label="x" * 10_000)
    with pytest.raises(InvalidParameters, match="exists already"):
        await direct.produce_data(id=producer.id)
    with pytest.raises(InvalidParameters):
        producer.send("x", ppid=-1)
    with pytest.raises(InvalidParameters):
        producer.send(b"x" * 9_000_000)
    assert not (await producer.dump())["paused"]


async def test_streams_of_sctp(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK, enable_sctp=True)
    assert transport.sctp_parameters is not None and transport.sctp_state == "new"
    given = {"streamId": 12, "ordered": False, "maxPacketLifeTime": 5000}
    producer = await transport.produce_data(sctp_stream_parameters=given, label="x")
    assert producer.sctp_stream_parameters is not None and producer.sctp_stream_parameters.to_json() == given
    consumer = await transport.consume_data(data_producer_id=producer.id)
    assert consumer.sctp_stream_parameters is not None
    assert consumer.sctp_stream_parameters.to_json() == {**given, "streamId": 0}
    second = await transport.consume_data(data_producer_id=producer.id, ordered=True)
    assert second.sctp_stream_parameters and second.sctp_stream_parameters.to_json() == {"streamId": 1, "ordered": True}
    consumer.close()
    with pytest.raises(InvalidState):
        producer.send("not from here")
    for wrong in (
        None, {}, {"streamId": -1}, {"streamId": 65535}, {"streamId": "1"}, {"streamId": 1, "ordered": 5},
        {"streamId": 1, "maxPacketLifeTime": 1, "maxRetransmits": 1},
        {"streamId": 1, "ordered": True, "maxRetransmits": 1}, {"streamId": 1, "maxRetransmits": 1 << 16},
    ):  # fmt: skip
        with pytest.raises(InvalidParameters):
            await transport.produce_data(sctp_stream_parameters=wrong)
    with pytest.raises(WorkerError):
        await transport.produce_data(sctp_stream_parameters=given)
    with pytest.raises(WorkerError):
        await second.send(b"x" * 300_000)
    assert await second.get_buffered_amount() == 0
    await second.set_buffered_amount_low_threshold(10)
    assert second.buffered_amount_low_threshold == 10
