"""What rows and payloads have, for type checkers: ``bug = cast(bugevents.BugReport, event.payload)``."""
from typing import List, Optional, TypedDict, Union

#: A number; a string where the column has strings.
Id = Union[int, str]


class Payload(TypedDict, total=False):
    """What every payload may have: the fields whose values were cut."""

    truncated: List[str]


class BugReport(Payload):
    """A row of type bug_report; creator_id is there where it is mapped."""

    id: Id
    title: str
    description: Optional[str]
    status: str
    priority: Union[str, int, None]
    assignee_id: Optional[Id]
    project_id: Optional[Id]
    created_at: str
    updated_at: str


class Comment(Payload):
    """A row of type comment."""

    id: Id
    bug_report_id: Id
    user_id: Optional[Id]
    content: str
    created_at: str
    updated_at: str


class Project(Payload):
    """A row of type project."""

    id: Id
    name: str
    description: Optional[str]
    created_at: str
    updated_at: str


class User(Payload):
    """A row of type user; others than admins may find that fields are missing."""

    id: Id
    username: str
    email: Optional[str]
    role: str
    status: str
    created_at: str
    updated_at: str


class Notification(Payload):
    """A notification of the user that is connected."""

    id: Id
    type: str
    user_id: Id
    bug_report_id: Optional[Id]
    comment_id: Optional[Id]
    title: Optional[str]
    message: str
    status: Optional[str]
    count: int
    read: bool
    created_at: str
