"""What Prometheus reads of each process, on its private port."""

from prometheus_client import Counter, Gauge, Histogram

WAKES_LOST = Counter("beatline_wakes_lost_total", "Wake-ups that the queue did not take")
REQUESTS = Histogram(
    "beatline_request_seconds", "Requests by route and status", ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)  # fmt: skip
LATENESS = Histogram(
    "beatline_delivery_lateness_seconds", "How late deliveries went out", ["platform"],
    buckets=(0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 600),
)  # fmt: skip
DELIVERIES = Counter("beatline_deliveries_total", "Deliveries by outcome", ["platform", "outcome"])
POLLS = Counter("beatline_polls_total", "Feeds read, by outcome", ["platform", "outcome"])
ARRIVALS = Counter("beatline_arrivals_total", "What arrived, read or not readable", ["outcome"])
FEED_AGE = Gauge("beatline_oldest_feed_seconds", "Age of the feed that was read longest ago")
TO_MEND = Gauge(
    "beatline_deliveries_to_mend", "Deliveries due in the last seven days that somebody has to look at", ["state"]
)
IN_DOUBT = Gauge("beatline_deliveries_in_doubt", "Deliveries that are being looked for on their platform")
WILL_FAIL = Gauge("beatline_deliveries_will_fail", "Planned deliveries whose account cannot send by then")
ALERTS_OPEN = Gauge("beatline_alerts_open", "Alerts whose cause lasts", ["kind"])
ALERT_MESSAGES_WAITING = Gauge("beatline_alert_messages_waiting", "E-mails and calls that wait to be delivered")
