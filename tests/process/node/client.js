'use strict';
// `node client.js PORT`: an application. Sends what it is told ({"command", "fields"}), tells of every PDU that comes.

const smpp = require('smpp');
const {tell, obey} = require('./lines');

const session = smpp.connect({host: '127.0.0.1', port: Number(process.argv[2])}, () => tell('ready'));

session.on('pdu', (pdu) => {
	tell(pdu.command, {pdu});
	if (!pdu.isResponse()) {
		session.send(pdu.response());
	}
});
session.on('error', (error) => tell('error', {why: error.message}));
session.on('close', () => tell('closed'));

obey(({command, fields}) => session[command](fields));
