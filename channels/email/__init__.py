"""Mail in both directions: read raw bytes into an `Inbound`, judge who wrote them, and send an `Outbound` by SMTP."""
