"""The promise of a session: every token comes back exactly once."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from heliograph.smpp.codec import Pdu, encode
from heliograph.smpp.commands import DELIVER_SM, GENERIC_NACK, SUBMIT_SM, name_of
from heliograph.smpp.session import Answered, Asked, Event, Over, Session, Silent, Timers
from tests.smpp.conversation import LAST, Link, ask

STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["up", "down"]), st.integers(1, 5)),  # requests
        st.tuples(st.sampled_from(["answer", "nack", "answer twice"]), st.integers(0, 50)),  # which of those that wait
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.sampled_from(["lose up", "lose down", "carry"]), st.just(0)),
        st.tuples(st.just("wrap"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["unbind up", "unbind down", "garbage"]), st.just(0)),
    ),
    max_size=40,
)


class Schedule:
    """Two sessions to which anything may happen; who asked what, and what came back."""

    def __init__(self) -> None:
        self.link = Link(Timers(response=30, enquire=25, enquire_response=10), window=4).bind()
        self.sent: list[str] = []
        self.back: Counter[str] = Counter()
        self.asked: list[tuple[Session, Pdu]] = []

    def see(self, session: Session, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Answered | Silent):
                self.back[event.token] += 1
            elif isinstance(event, Over):
                self.back.update(event.unanswered)
            elif isinstance(event, Asked):
                self.asked.append((session, event.pdu))

    def send(self, session: Session, command: int, count: int) -> None:
        for _ in range(min(count, session.room)):
            token = f"{name_of(command)} {len(self.sent)}"
            ask(session, token, self.link.now, command)
            self.sent.append(token)

    def answer(self, which: int, how: str) -> None:
        if self.asked:
            session, pdu = self.asked.pop(which % len(self.asked))
            if how == "nack":
                session._out.append(encode(Pdu(GENERIC_NACK, status=8, sequence=pdu.sequence)))
            for _ in range({"nack": 0, "answer": 1, "answer twice": 2}[how]):
                session.respond(pdu)

    def step(self, what: str, number: int) -> None:
        client, server = self.link.client, self.link.server
        if what in ("up", "down"):
            self.send(client if what == "up" else server, SUBMIT_SM if what == "up" else DELIVER_SM, number)
        elif what in ("answer", "nack", "answer twice"):
            self.answer(number, what)
        elif what == "wait":
            events = self.link.wait(number)
            self.see(client, events[0])
            self.see(server, events[1])
        elif what == "carry":
            events = self.link.exchange()
            self.see(client, events[0])
            self.see(server, events[1])
        elif what == "wrap":
            client._sequence = LAST - number
        elif what.startswith("unbind"):
            (client if what == "unbind up" else server).unbind(self.link.now)
        elif what == "garbage":
            self.see(client, client.receive(b"\0\0\0\1", self.link.now))
        else:  # what is on the wire gets lost
            (client if what == "lose up" else server).output()

    def check(self) -> None:
        assert max(self.back.values(), default=0) <= 1, "a token came back twice"
        in_flight = self.link.client.in_flight + self.link.server.in_flight
        assert in_flight + self.back.total() == len(self.sent), "a token is nowhere"
        for session in (self.link.client, self.link.server):
            assert 0 <= session.in_flight <= session.window
            assert 0 <= session.room <= session.window


@given(STEPS)
def test_every_token_comes_back_exactly_once_whatever_happens(steps: Sequence[tuple[str, int]]) -> None:
    schedule = Schedule()
    for what, number in steps:
        schedule.step(what, number)
        schedule.check()
    for session in (schedule.link.client, schedule.link.server):
        schedule.see(session, [session.lost("the end")])
    assert schedule.back == Counter(schedule.sent)
