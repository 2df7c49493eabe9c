"""Which values of a catalogue can be told from photo and text at all: experts vote, a fusion decides."""
