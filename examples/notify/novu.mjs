// An SMS provider in the shape that Novu wants: `id`, `channelType`, and `sendMessage`, which answers with an id.
// Register it as a custom provider; it needs Node.js 18 or newer, and nothing else.

export class HeliographSmsProvider {
  id = "heliograph";
  channelType = "sms";

  constructor({ apiKey, from, url = "http://127.0.0.1:8080" }) {
    Object.assign(this, { apiKey, from, url });
  }

  async sendMessage({ to, content, from = this.from, id }) {
    const answer = await fetch(`${this.url}/v1/messages`, {
      method: "POST",
      headers: {
        "Authorization": `Bearer ${this.apiKey}`,
        "Content-Type": "application/json",
        ...(id && { "Idempotency-Key": id }), // Novu tries again: that is the same message
      },
      body: JSON.stringify({ to, text: content, ...(from && { sender: from }), ...(id && { correlation_id: id }) }),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(`${said.code}: ${said.detail}`);
    return { id: said.id, date: new Date().toISOString() };
  }
}
