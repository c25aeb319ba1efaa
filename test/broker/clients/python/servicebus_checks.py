"""Azure's SDK for Service Bus in Python (azure-servicebus), which speaks by way of uAMQP and always over TLS."""

import datetime
import time

from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    AutoLockRenewer,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
)
from azure.servicebus import _common
from azure.servicebus import exceptions
from azure.servicebus.management import ServiceBusAdministrationClient, SqlRuleFilter
from checks import check, equal, run, settings

GIVEN = settings()
# The SDK has no place for a port other than the usual one, where it does not go over WebSockets.
_common._configuration.DEFAULT_AMQPS_PORT = GIVEN["port"]  # pylint: disable=protected-access


def client(given, **options):
    connection_string = given["connectionString"].replace(";UseDevelopmentEmulator=true", "")
    without_port = connection_string.replace(":%d" % given["port"], "")
    return ServiceBusClient.from_connection_string(
        without_port, connection_verify=given["caFile"], retry_total=0, **options
    )


def take(receiver, count, wait=20):
    messages = []
    end = time.monotonic() + wait
    while len(messages) < count and time.monotonic() < end:
        messages += receiver.receive_messages(max_message_count=count - len(messages), max_wait_time=2)
    equal(len(messages), count)
    return messages


@check("sends one, several and a batch, and receives and completes them", apart=True)
def send_receive(given):
    with client(given) as bus:
        with bus.get_queue_sender("python-sent") as sender:
            sender.send_messages(ServiceBusMessage("one", message_id="1", application_properties={"n": 1}))
            sender.send_messages([ServiceBusMessage("two"), ServiceBusMessage("three")])
            batch = sender.create_message_batch()
            equal(batch.max_size_in_bytes, 1024 * 1024)
            for body in ("four", "five"):
                batch.add_message(ServiceBusMessage(body))
            sender.send_messages(batch)
        with bus.get_queue_receiver("python-sent") as receiver:
            messages = take(receiver, 5)
            equal([str(message) for message in messages], ["one", "two", "three", "four", "five"])
            equal((messages[0].message_id, messages[0].application_properties), ("1", {b"n": 1}))
            equal(messages[0].delivery_count, 0)
            equal(messages[0].locked_until_utc > datetime.datetime.now(datetime.timezone.utc), True)
            for message in messages:
                receiver.complete_message(message)
            equal(receiver.receive_messages(max_wait_time=1), [])


@check("abandons, defers, receives what is deferred, dead-letters and renews locks", apart=True)
def settle(given):
    with client(given) as bus:
        with bus.get_queue_sender("python-settled") as sender:
            sender.send_messages([ServiceBusMessage(body) for body in ("a", "d", "x")])
        with bus.get_queue_receiver("python-settled") as receiver:
            abandoned, deferred, dead = take(receiver, 3)
            receiver.abandon_message(abandoned)
            receiver.defer_message(deferred)
            receiver.dead_letter_message(dead, reason="odd", error_description="very odd")
            (again,) = take(receiver, 1)
            equal((str(again), again.delivery_count), ("a", 1))
            before = again.locked_until_utc
            time.sleep(0.05)
            equal(receiver.renew_message_lock(again) > before, True)
            receiver.complete_message(again)
            (found,) = receiver.receive_deferred_messages(deferred.sequence_number)
            equal(str(found), "d")
            receiver.complete_message(found)
        with bus.get_queue_receiver("python-settled", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
            (letter,) = take(receiver, 1)
            equal((letter.dead_letter_reason, letter.dead_letter_error_description), ("odd", "very odd"))
            receiver.complete_message(letter)


@check("schedules, cancels and peeks", apart=True)
def schedule_and_peek(given):
    with client(given) as bus:
        with bus.get_queue_sender("python-scheduled") as sender:
            later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
            numbers = sender.schedule_messages([ServiceBusMessage("later"), ServiceBusMessage("never")], later)
            sender.cancel_scheduled_messages(numbers[1])
            with bus.get_queue_receiver("python-scheduled") as receiver:
                (peeked,) = receiver.peek_messages(max_message_count=10)
                equal((str(peeked), peeked.sequence_number), ("later", numbers[0]))
                equal(abs((peeked.scheduled_enqueue_time_utc - later).total_seconds()) < 1, True)
            sender.cancel_scheduled_messages(numbers[0])


@check("receives and deletes", apart=True)
def receive_and_delete(given):
    with client(given) as bus:
        with bus.get_queue_sender("python-deleted") as sender:
            sender.send_messages(ServiceBusMessage("gone"))
        mode = ServiceBusReceiveMode.RECEIVE_AND_DELETE
        with bus.get_queue_receiver("python-deleted", receive_mode=mode) as receiver:
            equal([str(message) for message in take(receiver, 1)], ["gone"])
            equal(receiver.peek_messages(), [])


@check("accepts a session by its id and the next one, keeps state, and renews the lock", apart=True)
def sessions(given):
    with client(given) as bus:
        with bus.get_queue_sender("python-sessions") as sender:
            for session_id in ("s1", "s2"):
                sender.send_messages([ServiceBusMessage(str(n), session_id=session_id) for n in range(3)])
        with bus.get_queue_receiver("python-sessions", session_id="s1") as receiver:
            equal(receiver.session.session_id, "s1")
            equal(receiver.session.get_state(), None)
            receiver.session.set_state("half way")
            equal(receiver.session.get_state(), b"half way")
            equal(receiver.session.renew_lock() > datetime.datetime.now(datetime.timezone.utc), True)
            for message in take(receiver, 3):
                receiver.complete_message(message)
        with bus.get_queue_receiver("python-sessions", session_id=NEXT_AVAILABLE_SESSION) as receiver:
            equal(receiver.session.session_id, "s2")
            messages = take(receiver, 3)
            equal([str(message) for message in messages], ["0", "1", "2"])
            for message in messages:
                receiver.complete_message(message)


@check("is told that a session is held by another", apart=True)
def held_session(given):
    with client(given) as bus:
        with bus.get_queue_receiver("python-sessions", session_id="held"):
            try:
                with bus.get_queue_receiver("python-sessions", session_id="held"):
                    raise AssertionError("it was accepted twice")
            except exceptions.SessionCannotBeLockedError:
                pass


@check("receives from subscriptions what their rules let through", apart=True)
def topics(given):
    with client(given) as bus:
        with bus.get_topic_sender("python-topic") as sender:
            properties = ({"colour": "red"}, {"colour": "blue"})
            sender.send_messages([ServiceBusMessage("m", application_properties=one) for one in properties])
        with bus.get_subscription_receiver("python-topic", "all") as receiver:
            for message in take(receiver, 2):
                receiver.complete_message(message)
        with bus.get_subscription_receiver("python-topic", "red") as receiver:
            (message,) = take(receiver, 1)
            equal(message.application_properties, {b"colour": b"red"})
            receiver.complete_message(message)
            equal(receiver.receive_messages(max_wait_time=1), [])


@check("keeps locks alive with a renewer", apart=True)
def renewer(given):
    with client(given) as bus:
        with bus.get_queue_sender("python-short") as sender:
            sender.send_messages(ServiceBusMessage("long work"))
        with bus.get_queue_receiver("python-short") as receiver, AutoLockRenewer() as locks:
            (message,) = take(receiver, 1)
            first = message.locked_until_utc
            locks.register(receiver, message, max_lock_renewal_duration=60)
            end = time.monotonic() + 30
            while message.locked_until_utc == first and time.monotonic() < end:
                time.sleep(0.05)
            equal(message.locked_until_utc > first, True)
            receiver.complete_message(message)


@check("is told in its own exceptions what does not exist, is too large, or may not be", apart=True)
def refusals(given):
    with client(given) as bus:
        try:
            with bus.get_queue_sender("no-such-queue") as sender:
                sender.send_messages(ServiceBusMessage("x"))
            raise AssertionError("it was taken")
        except exceptions.ServiceBusError as error:
            sentence = "The messaging entity 'sb://localhost/no-such-queue' could not be found."
            equal(sentence in str(error), True)
        with bus.get_queue_sender("python-refused") as sender:
            try:
                sender.send_messages(ServiceBusMessage(b"x" * (2 * 1024 * 1024)))
                raise AssertionError("it was taken")
            except exceptions.ServiceBusError:
                pass
            sender.send_messages(ServiceBusMessage("small enough"))
        with bus.get_queue_receiver("python-refused") as receiver:
            (message,) = take(receiver, 1)
            receiver.complete_message(message)
    wrong = dict(given, connectionString=given["connectionString"].replace("SharedAccessKey=", "SharedAccessKey=x"))
    with client(wrong) as bus:
        try:
            with bus.get_queue_sender("python-refused") as sender:
                sender.send_messages(ServiceBusMessage("x"))
            raise AssertionError("it was let in")
        except exceptions.ServiceBusAuthenticationError:
            pass


@check("goes over WebSockets", apart=True)
def web_sockets(given):
    with client(given, custom_endpoint_address="sb://localhost:%d" % given["port"]) as bus:
        with bus.get_queue_sender("python-web") as sender:
            sender.send_messages(ServiceBusMessage("through the web"))
        with bus.get_queue_receiver("python-web") as receiver:
            (message,) = take(receiver, 1)
            equal(str(message), "through the web")
            receiver.complete_message(message)


@check("administers queues, topics, subscriptions and rules", apart=True)
def administration(given):
    connection_string = given["connectionString"].replace(";UseDevelopmentEmulator=true", "")
    admin = ServiceBusAdministrationClient.from_connection_string(connection_string)
    created = admin.create_queue("made", max_delivery_count=7, lock_duration=datetime.timedelta(seconds=30))
    equal((created.max_delivery_count, created.lock_duration), (7, datetime.timedelta(seconds=30)))
    created.max_delivery_count = 8
    admin.update_queue(created)
    equal(admin.get_queue("made").max_delivery_count, 8)
    equal(admin.get_queue_runtime_properties("made").total_message_count, 0)
    admin.create_topic("made-topic")
    admin.create_subscription("made-topic", "sub")
    admin.create_rule("made-topic", "sub", "red", filter=SqlRuleFilter("colour = 'red'"))
    rules = {rule.name for rule in admin.list_rules("made-topic", "sub")}
    equal(rules, {"$Default", "red"})
    equal("made" in [queue.name for queue in admin.list_queues()], True)
    admin.delete_rule("made-topic", "sub", "red")
    admin.delete_topic("made-topic")
    admin.delete_queue("made")
    equal([queue.name for queue in admin.list_queues() if queue.name == "made"], [])


run(GIVEN)
