"""What the end-to-end tests stand on: a demo server as a subprocess, Chromium, page objects and probes."""
