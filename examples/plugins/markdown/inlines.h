/* What is inside of a paragraph or a heading: code, emphasis, links, images, autolinks, escapes, hard breaks. */

#define MOST_DELIMITERS 256
#define LONGEST_RUN 8

static struct zeno_text part(struct zeno_text text, int from, int to)
{
    struct zeno_text found;
    found.start = text.start + from;
    found.length = to > from ? to - from : 0;
    return found;
}

static int is_space(char character)
{
    return character == ' ' || character == '\t' || character == '\n';
}

static int is_punctuation(char character)
{
    return (character >= '!' && character <= '/') || (character >= ':' && character <= '@') ||
           (character >= '[' && character <= '`') || (character >= '{' && character <= '~');
}

static struct zeno_text right_trimmed(struct zeno_text text)
{
    while (text.length && is_space(text.start[text.length - 1]))
        text.length--;
    return text;
}

static struct zeno_text trimmed(struct zeno_text text)
{
    int start = 0;
    text = right_trimmed(text);
    while (start < text.length && is_space(text.start[start]))
        start++;
    return part(text, start, text.length);
}

/* Returns whether all characters are the first one, which is one of two. */
static int all_are(struct zeno_text text, char one, char other)
{
    int index;
    if (text.length == 0 || (text.start[0] != one && text.start[0] != other))
        return 0;
    for (index = 1; index < text.length; index++)
        if (text.start[index] != text.start[0])
            return 0;
    return 1;
}

static void fresh_line(struct zeno_output *out)
{
    if (out->length && out->start[out->length - 1] != '\n')
        zeno_put(out, '\n');
}

static void put_escaped_char(struct zeno_output *out, char character)
{
    if (character == '<')
        zeno_put_text(out, "&lt;");
    else if (character == '>')
        zeno_put_text(out, "&gt;");
    else if (character == '&')
        zeno_put_text(out, "&amp;");
    else if (character == '"')
        zeno_put_text(out, "&quot;");
    else
        zeno_put(out, character);
}

static void put_escaped(struct zeno_output *out, struct zeno_text text)
{
    int index;
    for (index = 0; index < text.length; index++)
        put_escaped_char(out, text.start[index]);
}

/* Writes a URL: what has no place in one as percent sign and digits, the rest escaped for HTML. */
static void put_url(struct zeno_output *out, struct zeno_text url)
{
    const char *hex = "0123456789ABCDEF";
    const char *kept = "%-._~:/?#@!$&'()*+,;=";
    int index;
    for (index = 0; index < url.length; index++) {
        int character = url.start[index] & 255;
        int known = (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z') ||
                    (character >= 'A' && character <= 'Z');
        int at;
        for (at = 0; kept[at]; at++)
            known = known || kept[at] == character;
        if (known) {
            put_escaped_char(out, (char)character);
        } else {
            zeno_put(out, '%');
            zeno_put(out, hex[character >> 4]);
            zeno_put(out, hex[character & 15]);
        }
    }
}

static int starts_with(struct zeno_text text, const char *prefix)
{
    int index;
    for (index = 0; prefix[index]; index++)
        if (index >= text.length || (text.start[index] | 32) != prefix[index])
            return 0;
    return 1;
}

/* Returns whether a URL has no scheme, or one that only leads somewhere: others, such as javascript:, can run code. */
static int is_harmless(struct zeno_text url)
{
    int index;
    for (index = 0; index < url.length; index++) {
        char character = url.start[index];
        if (character == '/' || character == '?' || character == '#')
            return 1;
        if (character == ':')
            return starts_with(url, "http:") || starts_with(url, "https:") || starts_with(url, "mailto:") ||
                   starts_with(url, "ftp:") || starts_with(url, "tel:");
        if (character <= ' ' && character >= 0)
            return 0;
    }
    return 1;
}

/* Copies text without the backslashes before punctuation. */
static struct zeno_text unescaped(struct zeno_text text)
{
    struct zeno_output out = zeno_output();
    int index;
    for (index = 0; index < text.length; index++) {
        if (text.start[index] == '\\' && index + 1 < text.length && is_punctuation(text.start[index + 1]))
            index++;
        zeno_put(&out, text.start[index]);
    }
    return zeno_or(zeno_written(&out), "");
}

static int run_length(struct zeno_text text, int at)
{
    int length = 1;
    while (at + length < text.length && text.start[at + length] == text.start[at])
        length++;
    return length;
}

/* Returns where the code span that begins at `at` ends, or 0 if nothing closes it. */
static int code_end(struct zeno_text text, int at)
{
    int length = run_length(text, at);
    int index = at + length;
    while (index < text.length) {
        int run = run_length(text, index);
        if (text.start[index] == '`' && run == length)
            return index + length;
        index += run;
    }
    return 0;
}

static void put_code(struct zeno_output *out, struct zeno_text code)
{
    int index;
    if (code.length > 2 && is_space(code.start[0]) && is_space(code.start[code.length - 1]) && trimmed(code).length)
        code = part(code, 1, code.length - 1);
    zeno_put_text(out, "<code>");
    for (index = 0; index < code.length; index++)
        put_escaped_char(out, code.start[index] == '\n' ? ' ' : code.start[index]);
    zeno_put_text(out, "</code>");
}

/* Returns where the autolink that begins at `at` with < ends, or 0 if it is none. */
static int autolink_end(struct zeno_text text, int at)
{
    int colon = 0;
    int sign = 0;
    int index;
    for (index = at + 1; index < text.length; index++) {
        char character = text.start[index];
        int is_letter = (character | 32) >= 'a' && (character | 32) <= 'z';
        if (character == '>') {
            struct zeno_text inside = part(text, at + 1, index);
            return (colon > 2 || sign) && is_harmless(inside) ? index + 1 : 0;
        }
        if (is_space(character) || character == '<' || (index == at + 1 && !is_letter))
            return 0;
        if (character == ':' && !colon)
            colon = index - at;
        if (character == '@')
            sign = 1;
        if (!colon && !sign && !is_letter && (character < '0' || character > '9') && character != '.' &&
            character != '+' && character != '-')
            return 0;
    }
    return 0;
}

static void put_autolink(struct zeno_output *out, struct zeno_text url)
{
    int index;
    int has_scheme = 0;
    for (index = 0; index < url.length; index++)
        has_scheme = has_scheme || url.start[index] == ':';
    zeno_put_text(out, has_scheme ? "<a href=\"" : "<a href=\"mailto:");
    put_url(out, url);
    zeno_put_text(out, "\">");
    put_escaped(out, url);
    zeno_put_text(out, "</a>");
}

struct link {
    struct zeno_text text;
    struct zeno_text url;
    struct zeno_text title;
    int end;
};

/* Returns where the bracket that is open before `at` closes, or -1. */
static int closing_bracket(struct zeno_text text, int at)
{
    int depth = 0;
    while (at < text.length) {
        char character = text.start[at];
        int end = character == '`' ? code_end(text, at) : character == '<' ? autolink_end(text, at) : 0;
        if (end) {
            at = end;
            continue;
        }
        if (character == '\\')
            at++;
        else if (character == '[')
            depth++;
        else if (character == ']' && depth-- == 0)
            return at;
        at += character == '`' ? run_length(text, at) : 1;
    }
    return -1;
}

static int skip_space(struct zeno_text text, int at)
{
    while (at < text.length && is_space(text.start[at]))
        at++;
    return at;
}

/* Reads [text](url "title"), `at` being behind the first bracket; returns whether it is one. */
static int read_link(struct zeno_text text, int at, struct link *link)
{
    int close = closing_bracket(text, at);
    int start;
    int depth = 0;
    if (close < 0 || close + 1 >= text.length || text.start[close + 1] != '(')
        return 0;
    link->text = part(text, at, close);
    at = start = skip_space(text, close + 2);
    if (at < text.length && text.start[at] == '<') {
        start = ++at;
        while (at < text.length && text.start[at] != '>' && text.start[at] != '\n' && text.start[at] != '<')
            at += text.start[at] == '\\' ? 2 : 1;
        if (at >= text.length || text.start[at] != '>')
            return 0;
        link->url = unescaped(part(text, start, at));
        at++;
    } else {
        while (at < text.length && !is_space(text.start[at])) {
            if (text.start[at] == '\\')
                at++;
            else if (text.start[at] == '(')
                depth++;
            else if (text.start[at] == ')' && depth-- == 0)
                break;
            at++;
        }
        if (depth > 0 || at > text.length)
            return 0;
        link->url = unescaped(part(text, start, at));
    }
    link->title = zeno_text(0);
    start = at;
    at = skip_space(text, at);
    if (at > start && at < text.length && (text.start[at] == '"' || text.start[at] == '\'')) {
        char mark = text.start[at];
        start = ++at;
        while (at < text.length && text.start[at] != mark)
            at += text.start[at] == '\\' ? 2 : 1;
        if (at >= text.length)
            return 0;
        link->title = unescaped(part(text, start, at));
        at = skip_space(text, at + 1);
    }
    link->end = at + 1;
    return at < text.length && text.start[at] == ')' && is_harmless(link->url);
}

static void put_title(struct zeno_output *out, struct zeno_text title)
{
    if (!title.start)
        return;
    zeno_put_text(out, " title=\"");
    put_escaped(out, title);
    zeno_put(out, '"');
}

/* A run of * or _: where it stands in the output so far, what is left of it, and the tags that it became: 1 is em and
 * 2 is strong, the innermost first. */
struct delimiter {
    int place;
    char mark;
    int length;
    int left;
    int opens;
    int closes;
    char opened[LONGEST_RUN];
    int opened_count;
    char closed[LONGEST_RUN];
    int closed_count;
};

/* Whether a run opens and closes emphasis (CommonMark, 6.2: left- and right-flanking). */
static void read_delimiter(struct zeno_text text, int at, struct delimiter *run)
{
    char before = at ? text.start[at - 1] : '\n';
    char after = at + run->length < text.length ? text.start[at + run->length] : '\n';
    int left = !is_space(after) && (!is_punctuation(after) || is_space(before) || is_punctuation(before));
    int right = !is_space(before) && (!is_punctuation(before) || is_space(after) || is_punctuation(after));
    run->opens = left;
    run->closes = right;
    if (run->mark == '_') {
        run->opens = left && (!right || is_punctuation(before));
        run->closes = right && (!left || is_punctuation(after));
    }
}

/* Pairs runs (CommonMark, "process emphasis"). */
static void pair(struct delimiter *runs, int count)
{
    int closer;
    for (closer = 0; closer < count; closer++) {
        struct delimiter *close = runs + closer;
        while (close->closes && close->left) {
            int index = closer - 1;
            int between;
            char width;
            struct delimiter *open;
            for (; index >= 0; index--) {
                open = runs + index;
                if (open->mark != close->mark || !open->opens || !open->left)
                    continue;
                if ((open->closes || close->opens) && (open->length + close->length) % 3 == 0 &&
                    (open->length % 3 || close->length % 3))
                    continue;
                break;
            }
            if (index < 0)
                break;
            open = runs + index;
            width = (char)(open->left > 1 && close->left > 1 ? 2 : 1);
            open->opened[open->opened_count++] = width;
            close->closed[close->closed_count++] = width;
            open->left -= width;
            close->left -= width;
            for (between = index + 1; between < closer; between++)
                runs[between].opens = runs[between].closes = 0;
        }
    }
}

static void put_with_emphasis(struct zeno_output *out, struct zeno_text pieces, struct delimiter *runs, int count)
{
    int at = 0;
    int index;
    for (index = 0; index < count; index++) {
        struct delimiter *run = runs + index;
        int tag;
        zeno_put_slice(out, part(pieces, at, run->place));
        at = run->place;
        for (tag = 0; tag < run->closed_count; tag++)
            zeno_put_text(out, run->closed[tag] == 2 ? "</strong>" : "</em>");
        for (tag = 0; tag < run->left; tag++)
            zeno_put(out, run->mark);
        for (tag = run->opened_count; tag > 0; tag--)
            zeno_put_text(out, run->opened[tag - 1] == 2 ? "<strong>" : "<em>");
    }
    zeno_put_slice(out, part(pieces, at, pieces.length));
}

static void inlines(struct zeno_output *out, struct zeno_text text, int in_link);

static void put_link(struct zeno_output *out, struct link *link, int is_image)
{
    if (is_image) {
        zeno_put_text(out, "<img src=\"");
        put_url(out, link->url);
        zeno_put_text(out, "\" alt=\"");
        put_escaped(out, unescaped(link->text));
        zeno_put(out, '"');
        put_title(out, link->title);
        zeno_put_text(out, " />");
        return;
    }
    zeno_put_text(out, "<a href=\"");
    put_url(out, link->url);
    zeno_put(out, '"');
    put_title(out, link->title);
    zeno_put(out, '>');
    inlines(out, link->text, 1);
    zeno_put_text(out, "</a>");
}

/* Writes what stands at `at` and is not emphasis, and returns where it ends. */
static int put_piece(struct zeno_output *out, struct zeno_text text, int at, int in_link)
{
    char character = text.start[at];
    char after = at + 1 < text.length ? text.start[at + 1] : 0;
    int is_image = character == '!' && after == '[';
    int end;
    struct link link;
    if (character == '\\' && is_punctuation(after)) {
        put_escaped_char(out, after);
        return at + 2;
    }
    if (character == '\\' && after == '\n') {
        zeno_put_text(out, "<br />");
        return at + 1;
    }
    if (character == '`') {
        int length = run_length(text, at);
        end = code_end(text, at);
        if (end)
            put_code(out, part(text, at + length, end - length));
        else
            zeno_put_slice(out, part(text, at, at + length));
        return end ? end : at + length;
    }
    if (character == '<') {
        end = in_link ? 0 : autolink_end(text, at);
        if (end) {
            put_autolink(out, part(text, at + 1, end - 1));
            return end;
        }
    }
    if (is_image || (character == '[' && !in_link)) {
        if (read_link(text, at + 1 + is_image, &link)) {
            put_link(out, &link, is_image);
            return link.end;
        }
    }
    if (character == '\n') {
        int spaces = 0;
        while (spaces < at && text.start[at - 1 - spaces] == ' ')
            spaces++;
        while (out->length && out->start[out->length - 1] == ' ')
            out->length--;
        zeno_put_text(out, spaces >= 2 ? "<br />\n" : "\n");
        return at + 1;
    }
    put_escaped_char(out, character);
    return at + 1;
}

static void inlines(struct zeno_output *out, struct zeno_text text, int in_link)
{
    struct zeno_output pieces = zeno_output();
    struct delimiter *runs = alloc(MOST_DELIMITERS * (int)sizeof(struct delimiter));
    int count = 0;
    int at = 0;
    if (!runs) {
        out->failed = 1;
        return;
    }
    while (at < text.length) {
        char character = text.start[at];
        int length = run_length(text, at);
        if ((character == '*' || character == '_') && length <= LONGEST_RUN && count < MOST_DELIMITERS) {
            struct delimiter *run = runs + count++;
            run->place = pieces.length;
            run->mark = character;
            run->length = run->left = length;
            run->opened_count = run->closed_count = 0;
            read_delimiter(text, at, run);
            at += length;
        } else if (character == '*' || character == '_') {
            zeno_put_slice(&pieces, part(text, at, at + length));
            at += length;
        } else {
            at = put_piece(&pieces, text, at, in_link);
        }
    }
    pair(runs, count);
    put_with_emphasis(out, zeno_written(&pieces), runs, count);
    out->failed = out->failed || pieces.failed;
}
