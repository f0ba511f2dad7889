"use strict";
// Reads /console/live every second and redraws. Text only goes in as text: nothing that a message holds can be markup.
const make = (tag, text, className) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
};
const drawCounts = (states) => {
  const boxes = Object.entries(states).map(([state, count]) => {
    const box = make("div");
    box.append(make("dt", state), make("dd", count.toLocaleString("en")));
    return box;
  });
  document.getElementById("counts").replaceChildren(...boxes);
};
const drawMessage = (message) => {
  const item = make("li", undefined, "message");
  const head = make("div", undefined, "head");
  const parts = message.segments === 1 ? "1 part" : `${message.segments} parts`;
  head.append(make("span", message.status, `status ${message.status}`), make("span", message.to), make("span", `${message.kind}, ${parts}`), make("code", message.id));
  const steps = make("ul", undefined, "steps");
  steps.append(...message.events.map((event) => make("li", `${event.type.replace("message.", "")} +${event.after_ms} ms`)));
  item.append(head, steps);
  return item;
};
const draw = (look) => {
  drawCounts(look.states);
  document.getElementById("queue").textContent = look.queue.length
    ? "Waiting: " + look.queue.map((lane) => `${lane.waiting.toLocaleString("en")} in ${lane.lane} (oldest ${lane.oldest_s} s)`).join(", ")
    : "Nothing waits.";
  document.getElementById("messages").replaceChildren(...look.messages.map(drawMessage));
  document.getElementById("empty").hidden = look.messages.length > 0;
  document.getElementById("state").textContent = "live, " + look.at.slice(11, 19) + " UTC";
};
const look = async () => {
  try {
    const answer = await fetch("/console/live");
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    draw(await answer.json());
  } catch (error) {
    document.getElementById("state").textContent = `no answer (${error.message}); trying again`;
  }
  setTimeout(look, 1000);
};
look();
