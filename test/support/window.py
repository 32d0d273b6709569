"""A real GTK window for tests. One JSON object a line: commands on stdin, events on stdout.

In logical pixels: a coloured field at 0,0 of 300x80, a button at 20,100 of 200x40, a strip at 0,160 of 300x40.
"""
import json
import sys
import threading

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402


def say(event, **data):
    print(json.dumps({"event": event, **data}), flush=True)


class Field(Gtk.EventBox):
    def __init__(self, width, height, color):
        super().__init__()
        self.css = Gtk.CssProvider()
        self.get_style_context().add_provider(self.css, Gtk.STYLE_PROVIDER_PRIORITY_USER)
        self.paint(color)
        self.set_size_request(width, height)
        self.add_events(
            Gdk.EventMask.BUTTON_PRESS_MASK
            | Gdk.EventMask.BUTTON_RELEASE_MASK
            | Gdk.EventMask.POINTER_MOTION_MASK
            | Gdk.EventMask.SCROLL_MASK
        )
        self.connect("button-press-event", self.pressed)
        self.connect("button-release-event", self.released)
        self.connect("scroll-event", self.scrolled)

    def paint(self, color):
        self.css.load_from_data(f"* {{ background: {color}; }}".encode())

    def pressed(self, _widget, event):
        kind = "double" if event.type == Gdk.EventType.DOUBLE_BUTTON_PRESS else "press"
        say(kind, button=event.button, x=int(event.x), y=int(event.y))

    def released(self, _widget, event):
        say("release", button=event.button, x=int(event.x), y=int(event.y))

    def scrolled(self, _widget, event):
        say("scroll", direction="up" if event.direction == Gdk.ScrollDirection.UP else "down")


def main():
    title, x, y = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    window = Gtk.Window(title=title)
    window.set_resizable(False)
    fixed = Gtk.Fixed()
    fields = {"field": Field(300, 80, "#204060"), "strip": Field(300, 40, "#808080")}
    button = Gtk.Button(label="Approve batch")
    button.set_size_request(200, 40)
    button.connect("clicked", lambda _button: say("clicked"))
    fixed.put(fields["field"], 0, 0)
    fixed.put(button, 20, 100)
    fixed.put(fields["strip"], 0, 160)
    window.add(fixed)
    window.move(x, y)
    window.connect("destroy", lambda _window: Gtk.main_quit())
    window.connect("map-event", lambda _window, _event: say("shown") and False)
    window.realize()
    wanted = [True]  # its first picture

    def painted(_clock):
        # What was drawn must be on the screen, not on its way there, and be what was asked for.
        Gdk.Display.get_default().sync()
        if wanted:
            wanted.clear()
            say("painted")

    window.get_frame_clock().connect("after-paint", painted)
    window.show_all()

    def obey(command):
        if "color" in command:
            wanted.append(True)
            fields[command.get("field", "field")].paint(command["color"])
        if "title" in command:
            window.set_title(command["title"])
        if command.get("hide"):
            window.hide()
        if command.get("show"):
            window.show_all()
        return False

    def listen():
        for line in sys.stdin:
            GLib.idle_add(obey, json.loads(line))
        GLib.idle_add(Gtk.main_quit)

    threading.Thread(target=listen, daemon=True).start()
    Gtk.main()


main()
