"""How large a picture is, whatever comes in and in whatever pieces."""

from hypothesis import given, settings
from hypothesis import strategies as st
from rostrum.files.pictures import READERS, Measure, Unmeasurable

BEGINNINGS = {
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "image/gif": b"GIF89a",
    "image/bmp": b"BM",
    "image/webp": b"RIFF....WEBP",
    "image/jpeg": b"\xff\xd8",
}


def _measured(kind: str, pieces: list[bytes]) -> object:
    measure = Measure(kind)
    try:
        for piece in pieces:
            measure.take(piece)
    except Unmeasurable:
        return "without an end"
    return measure.size


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.binary(max_size=400), st.integers(1, 40), st.booleans())
def test_pieces_make_no_difference(kind: str, content: bytes, step: int, real: bool) -> None:
    whole = (BEGINNINGS[kind] if real else b"") + content
    pieces = [whole[start : start + step] for start in range(0, len(whole), step)]
    assert _measured(kind, [whole]) == _measured(kind, pieces)


def test_other_types_have_no_size() -> None:
    assert _measured("text/plain", [b"x" * 100]) is None
