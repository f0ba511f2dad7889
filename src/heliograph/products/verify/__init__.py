"""Verification: proves that a phone is somebody's, and keeps those away who only want the traffic."""
