"""What can go wrong with files."""

from rostrum.kit.errors import InvalidInput, NotFound, PayloadTooLarge, RostrumError, UnsupportedMediaType


class FileNotFound(NotFound):
    """The room has no file of this name, or it was deleted."""

    code = "file_not_found"
    sentence = "There is no such file in this room."


class MalformedForm(InvalidInput):
    """The multipart body is not well formed, or it ends before its end."""

    code = "malformed_form"
    sentence = "The body is not a well-formed multipart form."


class FormRequired(UnsupportedMediaType):
    """The body is no multipart form."""

    code = "form_required"
    sentence = "Send the file as multipart/form-data in the field `file`."


class FileTooLarge(PayloadTooLarge):
    """The file is larger than the setting allows."""

    code = "file_too_large"
    sentence = "The file is too large."


class RoomFull(PayloadTooLarge):
    """The files of a room may not take more space together than the setting allows."""

    code = "room_files_full"
    sentence = "The files of this room take all the space they may; delete some first."


class FileTypeRefused(UnsupportedMediaType):
    """Files of this type are not taken here; the setting lists those that are."""

    code = "file_type_refused"
    sentence = "Files of this type are not taken here."


class FileTypeMismatch(UnsupportedMediaType):
    """The first bytes of the file are not those of the type that its name or the form claims."""

    code = "file_type_mismatch"
    sentence = "The file is not what its name or type says."


class PictureTooLarge(PayloadTooLarge):
    """Unpacked, the picture would have more pixels than the setting allows."""

    code = "picture_too_large"
    sentence = "The picture has too many pixels."


class UploadTooSlow(RostrumError):
    """The upload stood still, or crept, for too long."""

    code = "upload_too_slow"
    status = 408
    sentence = "The upload took too long."


class RangeNotSatisfiable(RostrumError):
    """The range lies behind the end of the file; Content-Range tells its size."""

    code = "range_not_satisfiable"
    status = 416
    sentence = "The file has no such range of bytes."
