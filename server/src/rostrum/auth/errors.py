"""What can go wrong with accounts and tokens."""

from rostrum.kit.errors import Forbidden, NotFound, RostrumError, Unauthorized


class InvalidToken(Unauthorized):
    """The token is malformed, altered, expired, of another server or of another tenant than the key."""

    code = "invalid_token"
    sentence = "The token is invalid or has expired."


class InvalidCredentials(Unauthorized):
    """Unknown user or wrong password; deliberately the same answer for both."""

    code = "invalid_credentials"
    sentence = "The user name or the password is wrong."


class InvalidResetToken(RostrumError):
    """The link to a new password is wrong, used or too old."""

    code = "invalid_reset_token"
    status = 400
    sentence = "This link is invalid or has expired; ask for another one."


class WrongPassword(Forbidden):
    """The present password, asked for before something that cannot be undone, is wrong."""

    code = "wrong_password"
    sentence = "The present password is wrong."


class SessionTooOld(Unauthorized):
    """The token cannot be refreshed any more; the user has to log in again."""

    code = "session_too_old"
    sentence = "This session is too old; log in again."


class UserRequired(Unauthorized):
    """The publishable key alone is not enough here: a user's token is needed with it."""

    code = "user_required"
    sentence = "A user's token is required here."


class AdminRequired(Forbidden):
    """The endpoint is for administrators of the tenant."""

    code = "admin_required"
    sentence = "Only an administrator may do this."


class EmailTaken(RostrumError):
    """A user with this e-mail address exists; upper and lower case make no difference."""

    code = "email_taken"
    status = 409
    sentence = "A user with this e-mail address exists already."


class UserNotFound(NotFound):
    """There is no such user in this tenant."""

    code = "user_not_found"
    sentence = "There is no such user."
