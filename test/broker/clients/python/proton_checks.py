"""Qpid Proton: a client that knows nothing of Azure."""

import base64
import hashlib
import hmac
import threading
import time
import urllib.parse

from checks import check, equal, run, settings
from proton import Delivery, Message, SSLDomain, symbol
from proton.handlers import MessagingHandler, TransactionHandler
from proton.reactor import Container, Selector
from proton.utils import BlockingConnection, LinkDetached, SendException

FOREVER = 30


def connect(given, **options):
    url = "amqp://%s:%s@127.0.0.1:%d" % (
        urllib.parse.quote(given["keyName"], safe=""),
        urllib.parse.quote(given["key"], safe=""),
        given["port"],
    )
    return BlockingConnection(url, timeout=FOREVER, allowed_mechs="PLAIN", allow_insecure_mechs=True, **options)


@check("sends, receives and settles on one session, with the key as its password")
def send_and_receive(given):
    connection = connect(given)
    sender = connection.create_sender("proton")
    receiver = connection.create_receiver("proton", credit=10)
    for number in range(3):
        sender.send(Message(id=str(number), body="body %d" % number, properties={"number": number}))
    for number in range(3):
        message = receiver.receive()
        equal((message.id, message.body, message.properties), (str(number), "body %d" % number, {"number": number}))
        equal(message.annotations[symbol("x-opt-sequence-number")] > 0, True)
        receiver.accept()
    connection.close()


@check("releases, rejects and receives again")
def outcomes(given):
    connection = connect(given)
    connection.create_sender("proton").send(Message(id="again", body="x"))
    receiver = connection.create_receiver("proton", credit=1)
    equal(receiver.receive().id, "again")
    receiver.release(delivered=True)
    second = connection.create_receiver("proton", credit=1, name="second")
    equal(second.receive().delivery_count, 1)
    second.reject()
    dead = connection.create_receiver("proton/$DeadLetterQueue", credit=1)
    equal(dead.receive().id, "again")
    dead.accept()
    connection.close()


@check("names entities by whole URLs")
def whole_urls(given):
    connection = connect(given)
    address = "amqp://127.0.0.1:%d/proton" % given["port"]
    connection.create_sender(address).send(Message(body="by URL"))
    receiver = connection.create_receiver(address, credit=1)
    equal(receiver.receive().body, "by URL")
    receiver.accept()
    connection.close()


@check("is told in the words of AMQP what does not exist and what is too large")
def refusals(given):
    connection = connect(given)
    try:
        connection.create_sender("no-such-queue")
        raise AssertionError("it was attached")
    except LinkDetached as error:
        equal(error.condition, "amqp:not-found")
    sender = connection.create_sender("proton")
    try:
        sender.send(Message(body=b"x" * (2 * 1024 * 1024)))
        raise AssertionError("it was taken")
    except SendException as error:
        equal(error.state, Delivery.REJECTED)
    sender.send(Message(body="small"))
    receiver = connection.create_receiver("proton", credit=1)
    equal(receiver.receive().body, "small")
    receiver.accept()
    connection.close()


def token(given, audience):
    resource = urllib.parse.quote(audience, safe="")
    end = str(int(time.time()) + 3600)
    signed = hmac.new(given["key"].encode(), (resource + "\n" + end).encode(), hashlib.sha256).digest()
    signature = urllib.parse.quote(base64.b64encode(signed).decode(), safe="")
    return "SharedAccessSignature sr=%s&sig=%s&se=%s&skn=%s" % (resource, signature, end, given["keyName"])


def put_token(connection, given, audience):
    receiver = connection.create_receiver("$cbs", credit=5, name="cbs-in")
    sender = connection.create_sender("$cbs", name="cbs-out")
    properties = {"operation": "put-token", "type": "servicebus.windows.net:sastoken", "name": audience}
    # No reply-to: the answer comes on the only receiver that there is at the node.
    sender.send(Message(id="t", address="$cbs", properties=properties, body=token(given, audience)))
    return receiver.receive().properties["status-code"]


@check("is nobody until it has put a token, and then what the token says")
def claims(given):
    options = {"allowed_mechs": "ANONYMOUS", "timeout": FOREVER}
    connection = BlockingConnection("amqp://127.0.0.1:%d" % given["port"], **options)
    try:
        connection.create_sender("proton")
        raise AssertionError("it was attached")
    except LinkDetached as error:
        equal(error.condition, "amqp:unauthorized-access")
    equal(put_token(connection, given, "amqp://localhost/proton"), 202)
    sender = connection.create_sender("proton", name="with-token")
    sender.send(Message(body="with a token"))
    receiver = connection.create_receiver("proton", credit=1)
    equal(receiver.receive().body, "with a token")
    receiver.accept()
    connection.close()


@check("speaks TLS with the broker's own authority")
def over_tls(given):
    domain = SSLDomain(SSLDomain.MODE_CLIENT)
    domain.set_trusted_ca_db(given["caFile"])
    domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
    url = "amqps://%s:%s@localhost:%d" % (
        urllib.parse.quote(given["keyName"], safe=""),
        urllib.parse.quote(given["key"], safe=""),
        given["port"],
    )
    connection = BlockingConnection(url, timeout=FOREVER, ssl_domain=domain)
    connection.create_sender("proton").send(Message(body="secret"))
    receiver = connection.create_receiver("proton", credit=1)
    equal(receiver.receive().body, "secret")
    receiver.accept()
    connection.close()


@check("reads a partition of a hub from a position")
def hub(given):
    connection = connect(given)
    sender = connection.create_sender("proton-hub/Partitions/0")
    for number in range(5):
        sender.send(Message(body=number))
    selector = Selector("amqp.annotation.x-opt-sequence-number > '2'", "apache.org:selector-filter:string")
    address = "proton-hub/ConsumerGroups/$Default/Partitions/0"
    receiver = connection.create_receiver(address, credit=10, options=selector)
    messages = [receiver.receive() for _ in range(2)]
    equal([message.body for message in messages], [3, 4])
    connection.close()


class Commit(MessagingHandler, TransactionHandler):
    """Sends two messages in a transaction that is committed, after one in a transaction that is not."""

    def __init__(self, given):
        super().__init__()
        self.given = given
        self.ended = []
        self.trouble = None

    def on_start(self, event):
        url = "127.0.0.1:%d" % self.given["port"]
        options = {"user": self.given["keyName"], "password": self.given["key"]}
        self.connection = event.container.connect(url, allowed_mechs="PLAIN", allow_insecure_mechs=True, **options)
        self.sender = event.container.create_sender(self.connection, "proton")
        event.container.declare_transaction(self.connection, handler=self)
        self.container = event.container

    def on_transaction_declared(self, event):
        transaction = event.transaction
        commits = len(self.ended) == 1
        for number in range(2):
            body = "%s %d" % ("committed" if commits else "aborted", number)
            transaction.send(self.sender, Message(body=body))
        if commits:
            transaction.commit()
        else:
            transaction.abort()

    def on_transaction_aborted(self, event):
        self.ended.append("aborted")
        self.container.declare_transaction(self.connection, handler=self)

    def on_transaction_committed(self, event):
        self.ended.append("committed")
        self.connection.close()

    def on_transaction_declare_failed(self, event):
        self.trouble = "declare failed"
        self.connection.close()

    def on_transaction_commit_failed(self, event):
        self.trouble = "commit failed"
        self.connection.close()

    def on_transport_error(self, event):
        self.trouble = str(event.transport.condition)


@check("commits a transaction, and another one it aborts leaves nothing")
def transactions(given):
    handler = Commit(given)
    thread = threading.Thread(target=Container(handler).run, daemon=True)
    thread.start()
    thread.join(FOREVER)
    equal((handler.trouble, handler.ended), (None, ["aborted", "committed"]))
    connection = connect(given)
    receiver = connection.create_receiver("proton", credit=10)
    bodies = []
    for _ in range(2):
        bodies.append(receiver.receive().body)
        receiver.accept()
    equal(bodies, ["committed 0", "committed 1"])
    connection.close()


run(settings())
