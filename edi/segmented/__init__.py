"""What X12 and EDIFACT share: interchanges of segments, cut, proved, explained and arranged into loops by guides."""
