// Texts of messages: commands in them, and characters that mean something in MarkdownV2.

export const MESSAGE_LIMIT = 4096;

const SPECIAL = "_*[]()~`>#+-=|{}.!\\";

/** Escapes text so that MarkdownV2 shows it as it is. */
export function escape(text: string): string {
  let out = "";
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (SPECIAL.includes(character)) out += "\\";
    out += character;
  }
  return out;
}

/** Returns the command of a text without its slash, and what follows it; "" where there is none, or not for `bot`. */
export function command(text: string, bot: string): string[] {
  if (!text.startsWith("/")) return ["", ""];
  const words = text.replaceAll("\n", " ");
  const space = words.indexOf(" ");
  const word = space < 0 ? words.substring(1) : words.substring(1, space);
  const rest = space < 0 ? "" : text.substring(space + 1).trim();
  const at = word.indexOf("@");
  if (at < 0) return [word.toLowerCase(), rest];
  if (word.substring(at + 1).toLowerCase() != bot.toLowerCase()) return ["", ""];
  return [word.substring(0, at).toLowerCase(), rest];
}
