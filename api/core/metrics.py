"""What Prometheus reads of each process, on its private port."""

from prometheus_client import Counter, Gauge, Histogram

WAKES_LOST = Counter("beatline_wakes_lost_total", "Wake-ups that the queue did not take")
REQUESTS = Histogram(
    "beatline_request_seconds", "Requests by route and status", ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)  # fmt: skip
LATENESS = Histogram(
    "beatline_delivery_lateness_seconds", "How late deliveries went out", ["platform"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 600),
)  # fmt: skip
DELIVERIES = Counter("beatline_deliveries_total", "Deliveries by outcome", ["platform", "outcome"])
POLLS = Counter("beatline_polls_total", "Feeds read, by outcome", ["platform", "outcome"])
ARRIVALS = Counter("beatline_arrivals_total", "What arrived, read or not readable", ["outcome"])
FEED_AGE = Gauge("beatline_oldest_feed_seconds", "Age of the feed that was read longest ago")
