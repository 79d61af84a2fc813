"""REST door of files."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from rostrum.auth.dependencies import Caller, TokenCaller
from rostrum.auth.errors import UserRequired
from rostrum.files import names, types
from rostrum.files.answers import DeletedOut, FileOut, UploadOut
from rostrum.files.errors import (
    FileNotFound,
    FileTooLarge,
    FileTypeMismatch,
    FileTypeRefused,
    FormRequired,
    MalformedForm,
    PictureTooLarge,
    RangeNotSatisfiable,
    RoomFull,
    UploadTooSlow,
)
from rostrum.files.ranges import has_it, http_date, part_wanted, wanted_range
from rostrum.files.schemas import FileInfo, file_body, upload_body
from rostrum.files.service import FileService
from rostrum.kit.answers import enveloped
from rostrum.kit.errors import Forbidden, RateLimited
from rostrum.kit.http import envelope, given, head_alone
from rostrum.kit.pagination import After, Limit, Position, announce_next
from rostrum.rooms.errors import RoomNotFound
from rostrum.storage import StorageFull

router = APIRouter(tags=["files"])

Files = Annotated[FileService, given(FileService)]

LARGE_BODIES: Final = r"/room/[^/]+/upload"
"""Paths whose bodies have a limit of their own."""

FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}

KEPT_BY_304: Final = ("etag", "last-modified", "cache-control")

BYTES: Final[dict[str, Any]] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.post(
    "/room/{room_id}/upload",
    openapi_extra=FORM,
    responses=enveloped(
        UploadOut,
        "File uploaded successfully!",
        MalformedForm,
        UserRequired,
        RoomNotFound,
        UploadTooSlow,
        FileTooLarge,
        RoomFull,
        PictureTooLarge,
        FormRequired,
        FileTypeRefused,
        FileTypeMismatch,
        RateLimited,
        StorageFull,
    ),
)
async def upload_file(room_id: str, caller: Caller, files: Files, request: Request) -> dict[str, Any]:
    """Add a file to a room: a multipart form with one file in the field `file`."""
    kind = request.headers.get("content-type", "")
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0
    try:
        file = await files.upload(caller, room_id, kind, request.stream(), declared=size)
    except ClientDisconnect as error:
        raise MalformedForm("The upload was broken off.") from error
    return {"success": True, "data": upload_body(file), "msg": "File uploaded successfully!"}


@router.get(
    "/room/{room_id}/files",
    responses=enveloped(FileOut, "Files retrieved successfully!", RoomNotFound, many=True),
)
async def list_files(
    room_id: str, caller: Caller, files: Files, request: Request, response: Response, after: After, limit: Limit = 50
) -> dict[str, Any]:
    """The files of a room that the caller may enter, the newest first."""
    page, more = await files.page(caller, room_id, limit=limit, after=after)
    announce_next(request, response, Position(page[-1].uploaded_at, page[-1].id) if more else None)
    return {"success": True, "data": [file_body(file) for file in page], "msg": "Files retrieved successfully!"}


@router.get(
    "/room/{room_id}/files/{filename}",
    response_model=None,
    responses={
        **enveloped(FileOut, "File retrieved successfully!", RoomNotFound, FileNotFound, RangeNotSatisfiable),
        206: {"description": "With `download=1` and a Range header: the part asked for.", "content": BYTES},
        304: {"description": "With `download=1` and If-None-Match or If-Modified-Since: the caller has this file."},
    },
)
async def get_file(
    room_id: str,
    filename: str,
    caller: Caller,
    files: Files,
    request: Request,
    download: Annotated[bool, Query(description="1 sends the file itself instead of what is known of it.")] = False,
) -> Response | dict[str, Any]:
    """What is known of a file; with `?download=1` the file itself, or the range of it that is asked for."""
    file = await files.get(caller, room_id, filename)
    if not download:
        return {"success": True, "data": file_body(file), "msg": "File retrieved successfully!"}
    headers = _headers(file)
    if has_it(request.headers, headers["etag"], file.uploaded_at):
        return Response(status_code=304, headers={name: headers[name] for name in KEPT_BY_304})
    headers["content-length"] = str(file.size)
    if head_alone(request):
        return Response(headers=headers)
    asked = part_wanted(request.headers, headers["etag"], file.uploaded_at)
    try:
        part = wanted_range(asked, file.size)
    except RangeNotSatisfiable as error:
        refusal = envelope(error, str(request.scope.get("rostrum.request_id", "")))
        refusal.headers["content-range"] = f"bytes */{file.size}"
        return refusal
    start, end = part or (0, file.size)
    headers["content-length"] = str(end - start)
    if part is not None:
        headers["content-range"] = f"bytes {start}-{end - 1}/{file.size}"
    pieces = await files.read(caller, file, start, end)
    return StreamingResponse(pieces, 206 if part else 200, headers)


@router.delete(
    "/room/{room_id}/files",
    responses=enveloped(DeletedOut, "Files deleted successfully!", Forbidden, RoomNotFound, RateLimited),
)
async def delete_files(room_id: str, caller: TokenCaller, files: Files) -> dict[str, Any]:
    """Delete all files of a room; only a host of it may."""
    count = await files.delete_all(caller, room_id)
    return {"success": True, "data": {"deletedCount": count}, "msg": "Files deleted successfully!"}


@router.delete(
    "/room/{room_id}/files/{filename}",
    responses=enveloped(DeletedOut, "File deleted successfully!", Forbidden, RoomNotFound, FileNotFound, RateLimited),
)
async def delete_file(room_id: str, filename: str, caller: Caller, files: Files) -> dict[str, Any]:
    """Delete one file; whoever uploaded it may, and a host of the room."""
    await files.delete(caller, room_id, filename)
    return {"success": True, "data": {"deletedCount": 1}, "msg": "File deleted successfully!"}


def _headers(file: FileInfo) -> dict[str, str]:
    """A download is saved, never shown: no page of this origin can be made from an upload."""
    return {
        "content-type": types.sent_as(file.type),
        "content-disposition": names.disposition(file.original_name),
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-cache",
        "accept-ranges": "bytes",
        "etag": f'"{file.id}"',
        "last-modified": http_date(file.uploaded_at),
    }
