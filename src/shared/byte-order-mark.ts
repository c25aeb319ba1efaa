/** A text without the byte order mark that some editors write before it, and that JSON does not know. */
export const withoutByteOrderMark = (text: string): string => (text.startsWith('\uFEFF') ? text.slice(1) : text);
