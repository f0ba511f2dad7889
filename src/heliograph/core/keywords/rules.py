"""The rules by name, as people see them beside a message: why it was taken for what it was taken for."""

from typing import Final

RULES: Final[dict[str, str]] = {
    "keyword": "The first line is a keyword, whatever its case, accents, punctuation, spaces or emoji.",
    "own_keyword": "The first line is one of the workspace's own keywords.",
    "keyword_of_another_language": "The whole line is an opt-out in a language that isn't read for this number.",
    "keyword_and_courtesy": "A keyword with a please, thanks or hello around it.",
    "keyword_and_topic": "A keyword followed by a topic of the workspace: STOP NEWS.",
    "keywords_together": "Nothing but keywords, one of them an opt-out: NO STOP, YES STOP.",
    "keyword_about_messages": "A plain keyword and up to three words about messages: stop texting me.",
    "keyword_as_the_last_word": "The text ends with a plain keyword that is a clause of its own: I told you, stop.",
    "keyword_in_a_sentence": "A keyword stands in a sentence that no other rule explains.",
    "ending_of_messages": "One clause speaks of ending, removing or not wanting, and of messages, lists or numbers.",
    "asks_to_stop_messages": "Asks that messages stop: no more texts.",
    "forbids_messages": "Forbids messages: do not text me.",
    "asks_to_be_removed": "Asks to be taken off: remove me from your list.",
    "revokes_consent": "Takes consent back, or says that it was never given.",
    "wants_to_be_left_alone": "Wants to be left alone, or threatens to report or block.",
    "wrong_number": "The number belongs to somebody else: the consent on file isn't this person's.",
    "not_interested": "Says no to what is offered; sure when little else is said.",
    "perhaps_means_messages": "May be about messages or about something else: cancel my subscription.",
    "names_the_sender": "Wants no more messages from this number.",
    "unsubscribing_is_mentioned": "A word for unsubscribing stands somewhere in a text that is written without spaces.",
    "stretched_word": "A keyword with letters held down: STOPPPP.",
    "slip_of_the_finger": "A keyword with one letter missing, doubled, swapped, or hit on the next key.",
    "one_letter_off": "A keyword with one other letter in it.",
    "hesitates": "Words of doubt or hearsay (maybe, how do I, she said): what would be sure is a doubt.",
    "wants_no_end": "Says the contrary (don't stop); hides the keyword in it and what follows.",
    "about_something_else": "Everyday phrases that hold a keyword (bus stop, stop by, end of); hides it.",
}
