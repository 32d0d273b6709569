"""Draws texts with libcairo (by ctypes) as raw BGRX.

stdin: a JSON list of {text, font, size, bold, width, height, fg, bg}; stdout: the pictures one after another.
"""
import ctypes
import ctypes.util
import json
import sys

cairo = ctypes.CDLL(ctypes.util.find_library("cairo") or "libcairo.so.2")
P, D, I, S = ctypes.c_void_p, ctypes.c_double, ctypes.c_int, ctypes.c_char_p
for name, result, args in [
    ("cairo_image_surface_create", P, [I, I, I]),
    ("cairo_create", P, [P]),
    ("cairo_set_source_rgb", None, [P, D, D, D]),
    ("cairo_paint", None, [P]),
    ("cairo_select_font_face", None, [P, S, I, I]),
    ("cairo_set_font_size", None, [P, D]),
    ("cairo_move_to", None, [P, D, D]),
    ("cairo_show_text", None, [P, S]),
    ("cairo_surface_flush", None, [P]),
    ("cairo_image_surface_get_data", P, [P]),
    ("cairo_destroy", None, [P]),
    ("cairo_surface_destroy", None, [P]),
]:
    function = getattr(cairo, name)
    function.restype, function.argtypes = result, args


def draw(job):
    width, height = job["width"], job["height"]
    surface = cairo.cairo_image_surface_create(1, width, height)
    context = cairo.cairo_create(surface)
    cairo.cairo_set_source_rgb(context, *[part / 255 for part in job["bg"]])
    cairo.cairo_paint(context)
    cairo.cairo_set_source_rgb(context, *[part / 255 for part in job["fg"]])
    cairo.cairo_select_font_face(context, job["font"].encode(), 0, 1 if job["bold"] else 0)
    cairo.cairo_set_font_size(context, job["size"])
    cairo.cairo_move_to(context, width * 0.1, height / 2 + job["size"] * 0.36)
    cairo.cairo_show_text(context, job["text"].encode())
    cairo.cairo_surface_flush(surface)
    pixels = ctypes.string_at(cairo.cairo_image_surface_get_data(surface), width * height * 4)
    cairo.cairo_destroy(context)
    cairo.cairo_surface_destroy(surface)
    return pixels


for job in json.load(sys.stdin):
    sys.stdout.buffer.write(draw(job))
