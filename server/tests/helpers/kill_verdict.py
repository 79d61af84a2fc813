"""Holds what is in a database against what clients were told, and the audit log against what is there."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from kill_writers import Ledger


class Verdict:
    """All that is wrong with a database after a kill, in sentences."""

    def __init__(self, path: Path, ledger: Ledger) -> None:
        self._db = sqlite3.connect(path)
        self._ledger = ledger
        self.problems: list[str] = []

    def reach(self, room: str) -> list[str]:
        """Look at everything; `room` is the one on whose stage things happen."""
        try:
            self._expect(self._all("PRAGMA integrity_check") == [("ok",)], "the database is damaged")
            self._expect(not self._all("PRAGMA foreign_key_check"), "a row refers to nothing")
            self._records_of_answers()
            self._answered_writes()
            self._records_and_rows()
            self._stage(room)
            self._chat()
        finally:
            self._db.close()
        return self.problems

    def object_keys(self) -> dict[str, str]:
        """Name of each file → the key of its object."""
        keys = {str(name): str(key) for name, key in self._all("SELECT filename, object_key FROM room_files")}
        self._db.close()
        return keys

    def _all(self, query: str) -> list[tuple[object, ...]]:
        return self._db.execute(query).fetchall()

    def _expect(self, fine: bool, otherwise: str) -> None:
        if not fine:
            self.problems.append(otherwise)

    def _records_of_answers(self) -> None:
        """Each answered request has its one record. Besides it, an action may have caused others (a meeting's room)."""
        told: dict[object, list[tuple[object, object]]] = defaultdict(list)
        for request, action, outcome in self._all("SELECT request_id, action, outcome FROM audit_records"):
            told[request].append((action, outcome))
        for request, expected in self._ledger.requests.items():
            self._expect(told[request].count(expected) == 1, f"{expected} was answered and has {told[request]}")
        for action, count in self._ledger.deeds.items():
            noted = sum(row.count((action, "success")) for row in told.values())
            sent = self._ledger.tried[action]
            self._expect(count <= noted <= sent, f"{action}: {count} acknowledged, {noted} recorded, {sent} sent")

    def _answered_writes(self) -> None:
        ledger = self._ledger
        self._there("users", {row[0] for row in self._all("SELECT email FROM users")}, ledger.users)
        names = {str(room): name for room, name in self._all("SELECT id, name FROM rooms")}
        self._there("rooms", names, ledger.rooms)
        for room, possible in ledger.names.items():
            self._expect(names.get(room) in possible, f"a room is called {names.get(room)}, not {possible}")
        kept = {str(row[0]): str(row[1]) for row in self._all("SELECT id, recording_ids FROM meetings")}
        self._there("meetings", kept, ledger.meetings)
        for meeting, recordings in ledger.recordings.items():
            counted = Counter(kept.get(meeting, "").strip("[]").replace('"', "").replace(" ", "").split(","))
            self._expect(all(counted[recording] == 1 for recording in recordings), f"{meeting} lacks a recording")
        files = {str(row[0]): row[1] for row in self._all("SELECT filename, size FROM room_files")}
        self._there("files", files, ledger.files)
        for name, (_, size) in ledger.files.items():
            self._expect(files.get(name) == size, f"{name} has {files.get(name)} bytes, not {size}")
        self._expect(not ledger.deleted & files.keys(), "a deleted file is there")

    def _there(self, what: str, present: Iterable[object], expected: Iterable[str]) -> None:
        missing = set(expected) - set(present)
        self._expect(not missing, f"{len(missing)} {what} were acknowledged and are gone: {sorted(missing)[:3]}")

    def _records_and_rows(self) -> None:
        """There is neither a row without its record nor a record without its row, acknowledged or not."""
        done = "SELECT resource FROM audit_records WHERE outcome = 'success' AND action IN"
        for what, made, ended, rows in (
            ("users", "'user.register', 'user.create'", "'user.delete'", "SELECT 'user:' || id FROM users"),
            ("rooms", "'room.create'", "'room.delete'", "SELECT 'room:' || id FROM rooms"),
            ("meetings", "'meeting.create'", "''", "SELECT 'meeting:' || id FROM meetings"),
            (
                "files",
                "'file.upload'",
                "'file.delete'",
                "SELECT 'room:' || room_id || '/file:' || filename FROM room_files",
            ),
        ):
            noted = Counter(self._all(f"{done} ({made})"))
            noted.subtract(Counter(self._all(f"{done} ({ended})")))
            present = Counter(self._all(rows))
            self._expect(
                +noted == present, f"{what}: rows and records differ in {(+noted - present) + (present - noted)}"
            )

    def _stage(self, room: str) -> None:
        """Co-hosts, the lock and those sent out are as the last records have them."""
        roles: dict[str, str] = {}
        query = (
            "SELECT resource FROM audit_records WHERE action = 'role.change' AND outcome = 'success' ORDER BY position"
        )
        for (resource,) in self._all(query):
            subject, _, role = str(resource).removeprefix(f"room:{room}/subject:").partition("/role:")
            roles[subject] = role
        granted = {str(row[0]) for row in self._all("SELECT subject FROM room_grants WHERE live = 0")}
        expected = {subject for subject, role in roles.items() if role == "cohost"}
        self._expect(granted == expected, f"co-hosts are {granted}, the records say {expected}")
        locks = self._all(
            "SELECT action FROM audit_records WHERE action IN ('room.lock', 'room.unlock') "
            "ORDER BY position DESC LIMIT 1"
        )
        locked = self._all("SELECT locked FROM live_sessions WHERE ended_at IS NULL")
        if locks:
            self._expect(
                locked == [(int(locks[0] == ("room.lock",)),)], f"the last record is {locks}, locked: {locked}"
            )
        removed = self._all("SELECT count(DISTINCT subject) FROM live_participants WHERE removed")
        noted = self._all("SELECT count(*) FROM audit_records WHERE action = 'peer.remove' AND outcome = 'success'")
        self._expect(removed == noted, f"{removed} were sent out, {noted} are recorded")

    def _chat(self) -> None:
        stored: dict[object, list[object]] = defaultdict(list)
        for client_id, message_id in self._all("SELECT client_id, id FROM chat_messages"):
            stored[client_id].append(message_id)
        for client_id, message_id in self._ledger.chat.items():
            found = stored[client_id]
            self._expect(
                found == [message_id], f"message {client_id} was acknowledged as {message_id}, stored: {found}"
            )
        doubled = [client_id for client_id, found in stored.items() if len(found) > 1]
        self._expect(not doubled, f"{len(doubled)} messages are there twice")
        unknown = stored.keys() - self._ledger.chat.keys() - self._ledger.unsent.keys()
        self._expect(not unknown, f"{len(unknown)} messages were never sent")
