"""The window: it speaks to the session and shows what that knows; Redis is out of its sight."""
