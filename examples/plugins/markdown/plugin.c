/* The plugin markdown: Markdown to HTML, the part of CommonMark 0.31 that its README names.
 *
 * What it does not know comes out as text. Raw HTML is escaped, and links go only to schemes that run nothing, so the
 * result of a stranger's text can be shown. This file has the blocks; inlines.h has what is inside of them.
 */

#define ZENO_ARENA_BYTES (16 * 1024 * 1024)
#include "zeno.h"

#include "inlines.h"

/* Quotes and lists hold blocks again; deeper ones are text. */
#define DEEPEST 16

static void blocks(struct zeno_output *out, struct zeno_text text, int depth, int tight);

/* Returns the line at `at`, without its end, and moves `at` behind it. */
static struct zeno_text next_line(struct zeno_text text, int *at)
{
    int start = *at;
    int end = start;
    while (end < text.length && text.start[end] != '\n')
        end++;
    *at = end + 1;
    if (end > start && text.start[end - 1] == '\r')
        end--;
    return part(text, start, end);
}

static int indent(struct zeno_text line)
{
    int count = 0;
    while (count < line.length && line.start[count] == ' ')
        count++;
    return count;
}

static int is_blank(struct zeno_text line)
{
    return trimmed(line).length == 0;
}

static int is_break(struct zeno_text line)
{
    int count = 0;
    int index;
    char mark;
    if (indent(line) > 3)
        return 0;
    line = trimmed(line);
    mark = line.length ? line.start[0] : 0;
    if (mark != '*' && mark != '-' && mark != '_')
        return 0;
    for (index = 0; index < line.length; index++) {
        if (line.start[index] == mark)
            count++;
        else if (line.start[index] != ' ')
            return 0;
    }
    return count >= 3;
}

/* Returns the level of a heading, 0 if the line is none. */
static int heading_level(struct zeno_text line)
{
    int start = indent(line);
    int level = 0;
    while (start + level < line.length && line.start[start + level] == '#')
        level++;
    if (start > 3 || level == 0 || level > 6)
        return 0;
    return start + level == line.length || line.start[start + level] == ' ' ? level : 0;
}

/* Returns how many characters a fence has, 0 if the line is none. */
static int fence_length(struct zeno_text line)
{
    int start = indent(line);
    int length = 0;
    int index;
    char mark;
    if (start > 3 || start == line.length)
        return 0;
    mark = line.start[start];
    if (mark != '`' && mark != '~')
        return 0;
    while (start + length < line.length && line.start[start + length] == mark)
        length++;
    if (mark == '`')
        for (index = start + length; index < line.length; index++)
            if (line.start[index] == mark)
                return 0;
    return length >= 3 ? length : 0;
}

/* What begins an item: its mark (a bullet, or what follows the number), its number, and where its text stands. */
struct marker {
    char mark;
    int number;
    int width;
};

/* Returns whether the line begins an item, and describes its marker. */
static int read_marker(struct zeno_text line, struct marker *marker)
{
    int at = indent(line);
    int spaces;
    if (at > 3 || at == line.length || is_break(line))
        return 0;
    marker->number = -1;
    if (line.start[at] >= '0' && line.start[at] <= '9') {
        int first = at;
        marker->number = 0;
        while (at < line.length && at - first < 9 && line.start[at] >= '0' && line.start[at] <= '9')
            marker->number = marker->number * 10 + (line.start[at++] - '0');
        if (at == line.length || (line.start[at] != '.' && line.start[at] != ')'))
            return 0;
    } else if (line.start[at] != '-' && line.start[at] != '+' && line.start[at] != '*') {
        return 0;
    }
    marker->mark = line.start[at++];
    if (at == line.length) {
        marker->width = at + 1;
        return 1;
    }
    if (line.start[at] != ' ')
        return 0;
    spaces = indent(part(line, at, line.length));
    if (at + spaces == line.length || spaces > 4)
        spaces = 1;
    marker->width = at + spaces;
    return 1;
}

/* Returns whether a line ends a paragraph without a blank line before it. */
static int interrupts(struct zeno_text line)
{
    struct marker marker;
    int at = indent(line);
    if (is_blank(line) || is_break(line) || heading_level(line) || fence_length(line))
        return 1;
    if (at <= 3 && line.start[at] == '>')
        return 1;
    return read_marker(line, &marker) && marker.number <= 1 && marker.number != 0 && marker.width <= line.length;
}

static void put_heading(struct zeno_output *out, struct zeno_text content, int level)
{
    fresh_line(out);
    zeno_put_text(out, "<h");
    zeno_put_integer(out, level);
    zeno_put(out, '>');
    inlines(out, content, 0);
    zeno_put_text(out, "</h");
    zeno_put_integer(out, level);
    zeno_put_text(out, ">\n");
}

static void heading(struct zeno_output *out, struct zeno_text line, int level)
{
    int end;
    line = trimmed(line);
    line = trimmed(part(line, level, line.length));
    end = line.length;
    while (end && line.start[end - 1] == '#')
        end--;
    if (end == 0 || line.start[end - 1] == ' ')
        line = trimmed(part(line, 0, end));
    put_heading(out, line, level);
}

static int fenced_code(struct zeno_output *out, struct zeno_text text, int at)
{
    struct zeno_text line = next_line(text, &at);
    int margin = indent(line);
    int length = fence_length(line);
    char mark = line.start[margin];
    struct zeno_text info = trimmed(part(line, margin + length, line.length));
    int index = 0;
    while (index < info.length && info.start[index] != ' ')
        index++;
    fresh_line(out);
    zeno_put_text(out, "<pre><code");
    if (index) {
        zeno_put_text(out, " class=\"language-");
        put_escaped(out, part(info, 0, index));
        zeno_put(out, '"');
    }
    zeno_put(out, '>');
    while (at < text.length) {
        int start;
        line = next_line(text, &at);
        start = indent(line);
        if (fence_length(line) >= length && line.start[start] == mark &&
            trimmed(line).length == fence_length(line))
            break;
        put_escaped(out, part(line, start < margin ? start : margin, line.length));
        zeno_put(out, '\n');
    }
    zeno_put_text(out, "</code></pre>\n");
    return at;
}

static int indented_code(struct zeno_output *out, struct zeno_text text, int at)
{
    int blank = 0;
    fresh_line(out);
    zeno_put_text(out, "<pre><code>");
    while (at < text.length) {
        int before = at;
        struct zeno_text line = next_line(text, &at);
        if (is_blank(line)) {
            blank++;
            continue;
        }
        if (indent(line) < 4) {
            at = before;
            break;
        }
        for (; blank; blank--)
            zeno_put(out, '\n');
        put_escaped(out, part(line, 4, line.length));
        zeno_put(out, '\n');
    }
    zeno_put_text(out, "</code></pre>\n");
    return at;
}

static int paragraph(struct zeno_output *out, struct zeno_text text, int at, int tight)
{
    struct zeno_output lines = zeno_output();
    int level = 0;
    while (at < text.length) {
        int before = at;
        struct zeno_text line = next_line(text, &at);
        struct zeno_text inside = trimmed(line);
        if (lines.length && indent(line) < 4 && inside.length && all_are(inside, '=', '-')) {
            level = inside.start[0] == '=' ? 1 : 2;
            break;
        }
        if (lines.length && interrupts(line)) {
            at = before;
            break;
        }
        if (lines.length)
            zeno_put(&lines, '\n');
        /* Spaces at the end of a line can be a hard break. */
        zeno_put_slice(&lines, part(line, indent(line), line.length));
    }
    lines.length = right_trimmed(zeno_written(&lines)).length;
    if (level) {
        put_heading(out, zeno_written(&lines), level);
    } else if (tight) {
        inlines(out, zeno_written(&lines), 0);
    } else {
        fresh_line(out);
        zeno_put_text(out, "<p>");
        inlines(out, zeno_written(&lines), 0);
        zeno_put_text(out, "</p>\n");
    }
    return at;
}

static int quote(struct zeno_output *out, struct zeno_text text, int at, int depth)
{
    struct zeno_output inside = zeno_output();
    int lazy = 0;
    while (at < text.length) {
        int before = at;
        struct zeno_text line = next_line(text, &at);
        int start = indent(line);
        if (start <= 3 && start < line.length && line.start[start] == '>') {
            start++;
            if (start < line.length && line.start[start] == ' ')
                start++;
            line = part(line, start, line.length);
            lazy = !is_blank(line) && !heading_level(line) && !fence_length(line) && indent(line) < 4;
        } else if (!lazy || interrupts(line)) {
            at = before;
            break;
        }
        zeno_put_slice(&inside, line);
        zeno_put(&inside, '\n');
    }
    fresh_line(out);
    zeno_put_text(out, "<blockquote>\n");
    blocks(out, zeno_written(&inside), depth + 1, 0);
    zeno_put_text(out, "</blockquote>\n");
    return at;
}

/* Collects what an item holds, moved to the left edge. Returns where the item ends; `loose` is set when a blank line
 * stands between two of its own blocks, `ends_blank` tells whether blank lines follow it. */
static int item(struct zeno_text text, int at, struct zeno_output *inside, int width, int *loose, int *ends_blank)
{
    int blank = 0;
    int lines = 0;
    int fence = 0;
    int end = at;
    while (at < text.length) {
        struct zeno_text line = next_line(text, &at);
        struct marker next;
        if (lines && is_blank(line)) {
            /* An item that begins with a blank line ends with it. */
            if (lines == 1 && inside->length == 1)
                break;
            blank++;
            continue;
        }
        if (lines == 0)
            line = part(line, width < line.length ? width : line.length, line.length);
        else if (indent(line) >= width)
            line = part(line, width, line.length);
        else if (blank || fence || interrupts(line) || read_marker(line, &next))
            break;
        if (blank && indent(line) < 2 && !fence)
            *loose = 1;
        if (fence_length(line) && indent(line) < 4)
            fence = !fence;
        for (; blank; blank--)
            zeno_put(inside, '\n');
        zeno_put_slice(inside, line);
        zeno_put(inside, '\n');
        lines++;
        end = at;
    }
    *ends_blank = blank > 0;
    return end;
}

/* Returns the end of the list that begins at `at`; writes it only if `out` is not 0. */
static int list(struct zeno_output *out, struct zeno_text text, int at, int depth, int *loose)
{
    struct marker first;
    struct marker marker;
    int ends_blank = 0;
    int ahead = at;
    struct zeno_text line = next_line(text, &ahead);
    read_marker(line, &first);
    marker = first;
    for (;;) {
        struct zeno_output inside = zeno_output();
        int end;
        if (ends_blank)
            *loose = 1;
        end = item(text, at, &inside, marker.width, loose, &ends_blank);
        if (out) {
            zeno_put_text(out, "<li>");
            blocks(out, zeno_written(&inside), depth + 1, !*loose);
            zeno_put_text(out, "</li>\n");
        }
        ahead = end;
        do {
            at = ahead;
            if (at >= text.length)
                return end;
            line = next_line(text, &ahead);
        } while (is_blank(line));
        if (!read_marker(line, &marker) || marker.mark != first.mark || (marker.number < 0) != (first.number < 0))
            return end;
    }
}

static int whole_list(struct zeno_output *out, struct zeno_text text, int at, int depth)
{
    struct marker first;
    int ahead = at;
    int loose = 0;
    int end;
    struct zeno_text line = next_line(text, &ahead);
    read_marker(line, &first);
    list(0, text, at, depth, &loose);
    fresh_line(out);
    zeno_put_text(out, first.number < 0 ? "<ul" : "<ol");
    if (first.number >= 0 && first.number != 1) {
        zeno_put_text(out, " start=\"");
        zeno_put_integer(out, first.number);
        zeno_put(out, '"');
    }
    zeno_put_text(out, ">\n");
    end = list(out, text, at, depth, &loose);
    zeno_put_text(out, first.number < 0 ? "</ul>\n" : "</ol>\n");
    return end;
}

static void blocks(struct zeno_output *out, struct zeno_text text, int depth, int tight)
{
    int at = 0;
    while (at < text.length) {
        int before = at;
        struct zeno_text line = next_line(text, &at);
        int start = indent(line);
        struct marker marker;
        if (is_blank(line))
            continue;
        if (start >= 4) {
            at = indented_code(out, text, before);
        } else if (is_break(line)) {
            fresh_line(out);
            zeno_put_text(out, "<hr />\n");
        } else if (heading_level(line)) {
            heading(out, line, heading_level(line));
        } else if (fence_length(line)) {
            at = fenced_code(out, text, before);
        } else if (line.start[start] == '>' && depth < DEEPEST) {
            at = quote(out, text, before, depth);
        } else if (depth < DEEPEST && read_marker(line, &marker)) {
            at = whole_list(out, text, before, depth);
        } else {
            at = paragraph(out, text, before, tight);
        }
    }
}

const char *zeno_metadata(void)
{
    return "{\"name\":\"markdown\",\"version\":\"1.0.0\",\"license\":\"Apache-2.0\","
           "\"description\":\"Markdown to HTML, a part of CommonMark, safe for text of strangers\"}";
}

const char *zeno_slots(void)
{
    return "[{\"name\":\"markdown.html\",\"description\":\"Turn Markdown into HTML\","
           "\"example\":\"markdown.html { text: $body }\","
           "\"inputs\":{\"text\":{\"type\":\"string\",\"required\":true}},"
           "\"outputs\":{\"html\":{\"type\":\"string\"}}}]";
}

const char *zeno_run(struct zeno_text slot, struct zeno_text parameters, struct zeno_output *data)
{
    struct zeno_output html = zeno_output();
    struct zeno_text text = zeno_string(zeno_member(parameters, "text"));
    if (!zeno_equals(slot, "markdown.html"))
        return "unknown slot";
    blocks(&html, text, 0, 0);
    if (html.failed)
        return "the text is too long";
    zeno_put_text(data, "{\"html\":");
    zeno_put_string(data, zeno_written(&html));
    zeno_put(data, '}');
    return 0;
}
