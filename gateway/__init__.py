"""Passerelle: a USSD and SMS service gateway for basic phones."""
