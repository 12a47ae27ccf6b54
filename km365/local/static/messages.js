// One message as a list entry: its text, its cards, and what became of it.

import { CARD_TYPE, cardElement } from "./cards.js";
import { safeAddress, textNodes } from "./text.js";

/** `act(message, order)` is called for whatever is pressed inside, `answer(message)` to reply in its thread. */
export function drawMessage(message, { words, bot, act, answer }) {
  const entry = document.createElement("li");
  entry.className = `message ${message.from === "me" ? "mine" : "theirs"}`;
  entry.tabIndex = -1;
  entry.append(byline(message, { words, bot }));
  if (message.answers) entry.append(threadLine(message, words));
  if (message.deleted) {
    entry.classList.add("deleted");
    entry.append(bubble([paragraph([document.createTextNode(words.deleted)])]));
    return entry;
  }
  const cards = message.attachments.filter((a) => a.contentType === CARD_TYPE);
  const parts = [
    ...(message.text ? [paragraph(textNodes(message.text))] : []),
    ...cards.map((a) => cardElement(a.content ?? {}, { words, send: (order) => act(message, order) })),
    ...message.attachments.filter((a) => a.contentType !== CARD_TYPE).map((a) => attachment(a, words)),
  ];
  if (parts.length) entry.append(bubble(parts, cards.length > 0));
  if (message.choices.length) entry.append(choices(message, act));
  if (answer) entry.append(answerButton(message, { words, answer }));
  entry.append(...notes(message, { words, act }));
  return entry;
}

function byline(message, { words, bot }) {
  const line = document.createElement("div");
  line.className = "by";
  const at = document.createElement("time");
  at.dateTime = message.at;
  at.textContent = new Date(message.at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  const who = document.createElement("bdi"); // or the bot's name would change places with the time in Arabic
  who.textContent = { me: words.you, other: message.author }[message.from] ?? bot;
  line.append(who, " · ", at);
  if (message.edited && !message.deleted) line.append(` · ${words.edited}`);
  return line;
}

function threadLine(message, words) {
  const line = document.createElement("div");
  line.className = "by";
  const text = document.createElement("bdi");
  text.textContent = words.in_answer_to.replace("{text}", message.answers);
  line.append(text);
  return line;
}

function answerButton(message, { words, answer }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet reply";
  button.textContent = words.answer;
  button.addEventListener("click", () => answer(message));
  return button;
}

function bubble(parts, wide = false) {
  const box = document.createElement("div");
  box.className = wide ? "bubble wide" : "bubble";
  box.append(...parts);
  return box;
}

function paragraph(nodes) {
  const text = document.createElement("p");
  text.dir = "auto";
  text.append(...nodes);
  return text;
}

function attachment(item, words) {
  const address = item.contentUrl && safeAddress(item.contentUrl);
  if (address) return paragraph(textNodes(`[${(item.name || address).replace(/[[\]\n]/gu, " ")}](${address})`));
  return paragraph([document.createTextNode(words.attachment.replace("{kind}", item.name || item.contentType))]);
}

function choices(message, act) {
  const row = document.createElement("div");
  row.className = "choices";
  for (const { title, value } of message.choices) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = title;
    button.addEventListener("click", () => act(message, { kind: "say", text: value }));
    row.append(button);
  }
  return row;
}

function notes(message, { words, act }) {
  const outcome = document.createElement("div");
  outcome.className = "note outcome";
  outcome.setAttribute("role", "status");
  if (message.state !== "waiting" && message.state !== "refused") return [outcome];
  const line = document.createElement("div");
  line.className = message.state === "waiting" ? "note waiting" : "note problem";
  line.append(message.state === "waiting" ? words.waiting : words.refused.replace("{problem}", message.problem));
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = words.try_again;
  button.addEventListener("click", () => act(message, { kind: "retry" }));
  line.append(button);
  return [line, outcome];
}
