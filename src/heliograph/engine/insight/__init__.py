"""What messaging amounts to: sums by minute, hour and day, kept beside the events and read by charts and alarms."""
