"""`GET` and `POST reviewkit/api/outbox/<record>`: how sending to the intake stands, and trying again at once."""

from __future__ import annotations

from dataclasses import asdict

from tornado.web import HTTPError

from reviewkit.handlers import ReviewkitHandler, for_the_owner, sender_of

NOTHING_SENT = "This workbook is not sent anywhere from here."


class OutboxHandler(ReviewkitHandler):
    """How far a record is at the intake of its invite."""

    _track_activity = False  # a page that only asks keeps no idle server alive

    @for_the_owner
    async def get(self, record: str) -> None:
        """Answer with `{phase, recorded_n, sent_n, reason, message, receipt}`; 404 where nothing is sent."""
        sender = sender_of(self.settings, record)
        if sender is None:
            raise HTTPError(404, NOTHING_SENT)
        self.reply(200, asdict(sender.delivery))

    @for_the_owner
    async def post(self, record: str) -> None:
        """Try again now instead of after the pause: 202."""
        self.body(set())
        sender = sender_of(self.settings, record)
        if sender is None:
            raise HTTPError(404, NOTHING_SENT)
        sender.hurry()
        self.reply(202, asdict(sender.delivery))
