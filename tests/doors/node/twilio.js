'use strict';
// `node twilio.js URL SID TOKEN CALLBACK`: what an application does with Twilio's client. Prints what it saw, as JSON.

const twilio = require('twilio');

const [url, sid, token, callback] = process.argv.slice(2);

const TO = '+447700900161';
const SERVICE = 'VA0123456789abcdef0123456789abcdef';

async function refused(call) {
	try {
		await call();
	} catch (error) {
		return {status: error.status, code: error.code};
	}
	return null;
}

async function messages(client, seen) {
	const sent = await client.messages.create({to: TO, from: 'Acme', body: 'From Node', statusCallback: callback});
	seen.sent = {sid: sent.sid, status: sent.status, segments: sent.numSegments};
	let found = sent;
	for (const end = Date.now() + 10_000; found.status !== 'delivered' && Date.now() < end;) {
		await new Promise((done) => setTimeout(done, 30));
		found = await client.messages(sent.sid).fetch();
	}
	seen.fetched = {status: found.status, body: found.body, dateSent: found.dateSent instanceof Date};
	await client.messages.create({to: TO, from: 'Acme', body: 'Another'});
	seen.listed = (await client.messages.list({to: TO, pageSize: 1})).map((message) => message.body);
	const later = await client.messages.create({
		to: TO, from: 'Acme', body: 'Later', scheduleType: 'fixed', sendAt: new Date(Date.now() + 3_600_000),
	});
	seen.canceled = [later.status, (await client.messages(later.sid).update({status: 'canceled'})).status];
	seen.wrong = await refused(() => client.messages.create({to: '+4477', from: 'Acme', body: 'x'}));
	seen.nowhere = await refused(() => client.messages(`SM${'0'.repeat(32)}`).fetch());
}

async function verifications(client, seen) {
	const service = client.verify.v2.services(SERVICE);
	const started = await service.verifications.create({to: TO, channel: 'sms', customCode: '482913'});
	const wrong = await service.verificationChecks.create({to: TO, code: '000000'});
	const right = await service.verificationChecks.create({to: TO, code: '482913'});
	seen.verified = [started.status, wrong.status, right.status, right.valid];
	seen.again = await refused(() => service.verificationChecks.create({to: TO, code: '482913'}));
}

async function main() {
	const client = twilio(sid, token);
	client.api.baseUrl = url;
	client.verify.baseUrl = url;
	const seen = {};
	await messages(client, seen);
	await verifications(client, seen);
	console.log(JSON.stringify(seen));
}

if (url === 'validate') {
	const [, , , signature, address, fields, key] = process.argv;
	console.log(JSON.stringify(twilio.validateRequest(key, signature, address, JSON.parse(fields))));
} else {
	main().catch((error) => {
		console.error(error);
		process.exit(1);
	});
}
