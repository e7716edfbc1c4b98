"""Metrics in Prometheus text form. Labels are routes and status codes of our own, never anything that was sent."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """Counters of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "reviewkit_intake_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "reviewkit_intake_request_seconds", "Time to the whole answer.", ["route"], registry=self.registry,
            buckets=(0.01, 0.05, 0.1, 0.5, 1, 2, 5, 15),
        )  # fmt: skip
        self.events = Counter("reviewkit_intake_events", "New record events stored.", registry=self.registry)
        self.submissions = Counter("reviewkit_intake_submissions", "New submissions stored.", registry=self.registry)
        self.stored = Counter("reviewkit_intake_stored_bytes", "Bytes of submissions stored.", registry=self.registry)
        self.in_memory = Gauge("reviewkit_intake_in_memory_bytes", "Bytes of bodies in memory.", registry=self.registry)
        self.arriving = Gauge("reviewkit_intake_arriving", "Bodies that are arriving.", registry=self.registry)
        self.free = Gauge("reviewkit_intake_free_bytes", "Free bytes of the database's disk.", registry=self.registry)
        self.ready = Gauge("reviewkit_intake_ready", "1 while submissions are accepted.", registry=self.registry)

    def text(self) -> bytes:
        """All of them, for a scrape."""
        return generate_latest(self.registry)
