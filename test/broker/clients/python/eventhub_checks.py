"""Azure's SDK for Event Hubs in Python (azure-eventhub), which speaks AMQP by itself and always over TLS."""

import datetime
import threading
import time

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub._pyamqp.sasl import SASLTransport
from azure.eventhub import exceptions
from checks import check, equal, run, settings

GIVEN = settings()
# The SDK has no place for a port other than the usual one, where it does not go over WebSockets.
SASLTransport.__init__.__kwdefaults__["port"] = GIVEN["port"]
HUB = "python-hub"
LIMIT_S = 40


def connection_string(given):
    text = given["connectionString"].replace(";UseDevelopmentEmulator=true", "")
    return text.replace(":%d" % given["port"], "")


def producer(given):
    return EventHubProducerClient.from_connection_string(
        connection_string(given), eventhub_name=HUB, connection_verify=given["caFile"], retry_total=0
    )


def consumer(given, group="$Default"):
    return EventHubConsumerClient.from_connection_string(
        connection_string(given),
        group,
        eventhub_name=HUB,
        connection_verify=given["caFile"],
        retry_total=0,
    )


def read(given, count, partition_id=None, group="$Default", **options):
    """What comes until there are so many, by partition."""
    events = {}
    troubles = []
    enough = threading.Event()
    client = consumer(given, group)

    def on_event(context, event):
        if event is None:
            return
        events.setdefault(context.partition_id, []).append(event)
        if sum(len(some) for some in events.values()) >= count:
            enough.set()

    def on_error(_context, error):
        troubles.append(error)
        enough.set()

    thread = threading.Thread(
        target=client.receive,
        args=(on_event,),
        kwargs=dict(options, partition_id=partition_id, on_error=on_error, max_wait_time=1),
        daemon=True,
    )
    thread.start()
    enough.wait(LIMIT_S)
    client.close()
    thread.join(LIMIT_S)
    if troubles:
        raise troubles[0]
    equal(sum(len(some) for some in events.values()), count)
    return events


def bodies(events):
    return [event.body_as_str() for event in events]


@check("knows the partitions of a hub and what they hold")
def properties(given):
    with producer(given) as client:
        equal(client.get_partition_ids(), ["0", "1", "2", "3"])
        facts = client.get_eventhub_properties()
        equal(facts["eventhub_name"], HUB)
        partition = client.get_partition_properties("3")
        equal((partition["is_empty"], partition["last_enqueued_sequence_number"]), (True, -1))
        client.send_batch([EventData("only")], partition_id="3")
        partition = client.get_partition_properties("3")
        equal((partition["is_empty"], partition["last_enqueued_sequence_number"]), (False, 0))


@check("sends batches by partition, and reads them from the beginning, with their properties")
def by_partition(given):
    with producer(given) as client:
        batch = client.create_batch(partition_id="0")
        equal(batch.max_size_in_bytes, 1024 * 1024)
        for number in range(5):
            event = EventData(str(number))
            event.properties = {"number": number}
            batch.add(event)
        client.send_batch(batch)
    (events,) = read(given, 5, partition_id="0", starting_position="-1").values()
    equal(bodies(events), ["0", "1", "2", "3", "4"])
    equal([event.sequence_number for event in events], [0, 1, 2, 3, 4])
    equal(events[3].properties, {b"number": 3})
    equal(events[0].enqueued_time <= datetime.datetime.now(datetime.timezone.utc), True)


@check("sends by key to one partition")
def by_key(given):
    with producer(given) as client:
        for number in range(3):
            client.send_batch([EventData("key %d" % number)], partition_key="a-key")
    events = read(given, 9, starting_position="-1")
    places = [place for place, some in events.items() if any(body.startswith("key") for body in bodies(some))]
    equal(len(places), 1)
    keyed = [event for event in events[places[0]] if event.body_as_str().startswith("key")]
    equal(bodies(keyed), ["key 0", "key 1", "key 2"])
    equal({event.partition_key for event in keyed}, {b"a-key"})


@check("reads from a sequence number, exclusive and inclusive, from an offset, and from a time", apart=True)
def positions(given):
    (events,) = read(given, 2, partition_id="0", starting_position=2).values()
    equal(bodies(events), ["3", "4"])
    options = {"starting_position": 2, "starting_position_inclusive": True}
    (events,) = read(given, 3, partition_id="0", **options).values()
    equal(bodies(events), ["2", "3", "4"])
    (events,) = read(given, 1, partition_id="0", starting_position=events[1].offset).values()
    equal(bodies(events), ["4"])
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    (events,) = read(given, 5, partition_id="0", starting_position=before).values()
    equal(len(events), 5)


@check("tracks what was enqueued last", apart=True)
def tracking(given):
    options = {"starting_position": "-1", "track_last_enqueued_event_properties": True}
    found = {}
    client = consumer(given)

    def on_event(context, event):
        if event is not None and context.last_enqueued_event_properties:
            found.update(context.last_enqueued_event_properties)
            client.close()

    client.receive(on_event, partition_id="0", max_wait_time=1, **options)
    equal(found["sequence_number"], 4)


@check("is the only reader of a partition with an owner level", apart=True)
def owner_level(given):
    troubles = []
    first = consumer(given, "owners")
    started = threading.Event()
    thread = threading.Thread(
        target=first.receive,
        args=(lambda _context, event: started.set(),),
        kwargs={
            "partition_id": "0",
            "starting_position": "-1",
            "owner_level": 1,
            "on_error": lambda _context, error: troubles.append(error),
        },
        daemon=True,
    )
    thread.start()
    equal(started.wait(LIMIT_S), True)
    higher = {"group": "owners", "owner_level": 2}
    (events,) = read(given, 5, partition_id="0", starting_position="-1", **higher).values()
    equal(len(events), 5)
    end = time.monotonic() + LIMIT_S
    while not troubles and time.monotonic() < end:
        time.sleep(0.05)
    first.close()
    equal(isinstance(troubles[0], exceptions.ConnectionLostError) or "epoch" in str(troubles[0]), True)


@check("is told in its own exceptions what does not exist", apart=True)
def refusals(given):
    try:
        read(given, 1, partition_id="0", group="no-such-group", starting_position="-1")
        raise AssertionError("there is such a group")
    except exceptions.EventHubError as error:
        equal("could not be found" in str(error), True)
    client = EventHubProducerClient.from_connection_string(
        connection_string(given), eventhub_name="no-such-hub", connection_verify=given["caFile"], retry_total=0
    )
    with client:
        try:
            client.get_partition_ids()
            raise AssertionError("there is such a hub")
        except exceptions.EventHubError:
            pass


run(GIVEN)
