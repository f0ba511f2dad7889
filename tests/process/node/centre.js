'use strict';
// `node centre.js PORT text|tlvs`: a message centre. Takes every submit and reports it as delivered, in a text or in
// parameters alone; tells of every PDU that comes, and delivers what it is told ({"command", "fields"}).

const smpp = require('smpp');
const {tell, obey} = require('./lines');

const [port, way] = process.argv.slice(2);
const receivers = [];
let count = 0;

function deliver(fields) {
	const [receiver] = receivers;
	if (receiver) {
		receiver.deliver_sm(fields);
	} else {
		setTimeout(deliver, 50, fields);
	}
}

function report(submit, id) {
	const about = {
		source_addr_ton: submit.dest_addr_ton,
		source_addr_npi: submit.dest_addr_npi,
		source_addr: submit.destination_addr,
		dest_addr_ton: submit.source_addr_ton,
		dest_addr_npi: submit.source_addr_npi,
		destination_addr: submit.source_addr,
		esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
	};
	const dates = 'submit date:2611211200 done date:2611211200';
	const text = `id:${id} sub:001 dlvrd:001 ${dates} stat:DELIVRD err:000 text:`;
	const state = {receipted_message_id: id, message_state: smpp.MESSAGE_STATE.DELIVERED};
	deliver({...about, ...(way === 'text' ? {short_message: text} : state)});
}

const work = {
	submit_sm(session, pdu) {
		const id = `node-${++count}`;
		session.send(pdu.response({message_id: id}));
		if (pdu.registered_delivery) {
			setTimeout(report, 20, pdu, id);
		}
	},
	unbind(session, pdu) {
		session.send(pdu.response());
		session.close();
	},
	enquire_link: (session, pdu) => session.send(pdu.response()),
};
for (const command of ['bind_transceiver', 'bind_receiver', 'bind_transmitter']) {
	work[command] = (session, pdu) => {
		session.send(pdu.response({system_id: 'node'}));
		if (command !== 'bind_transmitter') {
			receivers.push(session);
		}
	};
}

const server = smpp.createServer((session) => {
	session.on('pdu', (pdu) => {
		tell(pdu.command, {pdu});
		if (work[pdu.command]) {
			work[pdu.command](session, pdu);
		}
	});
	session.on('error', (error) => tell('error', {why: error.message}));
	session.on('close', () => receivers.includes(session) && receivers.splice(receivers.indexOf(session), 1));
});
server.listen(Number(port), '127.0.0.1', () => tell('ready'));

obey(({command, fields}) => command === 'deliver_sm' && deliver(fields));
