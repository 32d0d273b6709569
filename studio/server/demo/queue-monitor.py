#!/usr/bin/python3
"""A small real application to work on: a queue's length as a big number, and a button.

One JSON object a line. In: {"show": "57", "id": 1, "afterMs": 120}, {"move": [x, y]}, {"quit": true}.
Out: {"event": "ready", "number": box, "button": box, "scale": n} with boxes in logical pixels relative to the
window's content; {"event": "painted", "id": 1, "at": ms} once the number is on the screen;
{"event": "clicked", "at": ms, "value": "57"}. Times in milliseconds since 1970.
"""
import json
import os
import sys
import time

import gi

gi.require_version('Gdk', '3.0')
gi.require_version('Gtk', '3.0')
from gi.repository import Gdk, GLib, Gtk  # noqa: E402

CSS = b"""
window { background: #f4f5f7; }
.header { background: #1f3a5f; color: #ffffff; padding: 12px 20px; font: bold 16px 'DejaVu Sans'; }
.header-note { color: #c6d4e6; font: 12px 'DejaVu Sans'; }
.card { background: #ffffff; border: 1px solid #d5d9e0; border-radius: 6px; padding: 12px; }
.caption { color: #5b6472; font: 12px 'DejaVu Sans'; }
.number { color: #15202e; font: bold 56px 'DejaVu Sans'; }
.cell { color: #2b3442; font: 13px 'DejaVu Sans'; }
button.approve { background: #1d6fdc; color: #ffffff; font: bold 15px 'DejaVu Sans'; border: none;
  border-radius: 6px; padding: 12px 28px; text-shadow: none; box-shadow: none; }
button.approve:hover { background: #1a63c4; }
button.approve:active { background: #144d99; }
"""
QUEUES = [('Invoices', 'intake', '18'), ('Claims', 'review', '7'), ('Returns', 'parked', '3')]


def say(**fields):
    sys.stdout.write(json.dumps(fields) + '\n')
    sys.stdout.flush()


def now_ms():
    return time.time_ns() / 1e6


def label(text, style, xalign=0.0):
    made = Gtk.Label(label=text, xalign=xalign)
    made.get_style_context().add_class(style)
    return made


def boxed(orientation, spacing, *children):
    box = Gtk.Box(orientation=orientation, spacing=spacing)
    for child in children:
        box.pack_start(child, False, False, 0)
    return box


class QueueMonitor:
    def __init__(self):
        self.wanted = None
        self.pending = b''
        self.number = label('–', 'number', 0.5)
        self.number.set_size_request(300, 80)
        self.number.set_halign(Gtk.Align.START)
        self.button = Gtk.Button(label='Approve batch', halign=Gtk.Align.START)
        self.button.get_style_context().add_class('approve')
        self.button.set_can_focus(False)
        self.button.connect('clicked', self.on_clicked)
        self.window = Gtk.Window(title='Queue monitor', resizable=False)
        self.window.set_default_size(560, 420)
        self.window.add(self.content())
        self.window.connect('destroy', lambda _: Gtk.main_quit())
        self.window.connect_after('map-event', self.on_mapped)

    def content(self):
        header = boxed(
            Gtk.Orientation.VERTICAL, 2,
            label('Queue monitor', 'header-title'),
            label('Batch desk · north site', 'header-note'),
        )
        header.get_style_context().add_class('header')
        card = boxed(Gtk.Orientation.VERTICAL, 6, label('Waiting in queue', 'caption'), self.number)
        card.get_style_context().add_class('card')
        table = Gtk.Grid(column_spacing=36, row_spacing=6)
        for column, title in enumerate(('Queue', 'State', 'Oldest, min')):
            table.attach(label(title, 'caption'), column, 0, 1, 1)
        for row, cells in enumerate(QUEUES, start=1):
            for column, text in enumerate(cells):
                table.attach(label(text, 'cell'), column, row, 1, 1)
        body = boxed(Gtk.Orientation.VERTICAL, 16, card, table, self.button)
        body.set_border_width(20)
        return boxed(Gtk.Orientation.VERTICAL, 0, header, body)

    def box_of(self, widget):
        left, top = widget.translate_coordinates(self.window, 0, 0)
        size = widget.get_allocation()
        return {'x': left, 'y': top, 'width': size.width, 'height': size.height}

    def on_mapped(self, *_):
        self.window.get_frame_clock().connect('after-paint', self.after_paint)
        GLib.idle_add(self.report_ready, priority=GLib.PRIORITY_LOW)
        return False

    def report_ready(self):
        say(event='ready', number=self.box_of(self.number), button=self.box_of(self.button),
            scale=self.window.get_scale_factor())
        return False

    def after_paint(self, _clock):
        # One turn of the frame clock lays out, paints and comes here, so a number asked for before it is drawn now.
        if self.wanted is None:
            return
        Gdk.Display.get_default().sync()
        say(event='painted', id=self.wanted, at=now_ms())
        self.wanted = None

    def on_clicked(self, _button):
        say(event='clicked', at=now_ms(), value=self.number.get_text())

    def show_value(self, text, number):
        self.number.set_text(text)
        self.wanted = number
        self.number.queue_draw()
        return False

    def obey(self, command):
        if 'show' in command:
            wait = int(command.get('afterMs', 0))
            GLib.timeout_add(wait, self.show_value, command['show'], command['id'])
        elif 'move' in command:
            self.window.move(*command['move'])
        elif command.get('quit'):
            Gtk.main_quit()

    def on_input(self, fd, _condition):
        chunk = os.read(fd, 65536)
        if not chunk:
            Gtk.main_quit()
            return False
        *lines, self.pending = (self.pending + chunk).split(b'\n')
        for line in lines:
            self.obey(json.loads(line))
        return True


def main():
    settings = Gtk.Settings.get_default()
    if settings is None:
        sys.exit('queue-monitor: cannot open the display')
    settings.set_property('gtk-enable-animations', False)
    # The window scale alone makes things bigger; a doubled font on top would be four times as big.
    settings.set_property('gtk-xft-dpi', 96 * 1024)
    provider = Gtk.CssProvider()
    provider.load_from_data(CSS)
    Gtk.StyleContext.add_provider_for_screen(
        Gdk.Screen.get_default(), provider, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)
    app = QueueMonitor()
    app.window.show_all()
    GLib.unix_fd_add_full(
        GLib.PRIORITY_DEFAULT, sys.stdin.fileno(),
        GLib.IOCondition.IN | GLib.IOCondition.HUP, app.on_input)
    Gtk.main()


main()
