"""What can be measured of maps: one file a metric."""
