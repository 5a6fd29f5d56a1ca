"""Plays what stands around the gateway: two aggregators, their phones, one back office. Speaks to it by HTTP only."""
