"""End-to-end tests: the real server, the real engine, real browsers with fake cameras."""
