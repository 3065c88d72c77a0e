package coaching

import (
	"context"
	"net/http"
)

// A RecordTrack says what a participant's recording holds. Empty means the
// provider's default, which is TrackAll.
type RecordTrack string

const (
	TrackParticipant RecordTrack = "participant" // the participant alone
	TrackAll         RecordTrack = "all"         // the call
	TrackBoth        RecordTrack = "both"        // one recording of each
)

// RecordingParams are the options of a recording; nil means the defaults.
type RecordingParams struct {
	FileFormat       string  // mp3 (default) or wav
	Callback         Webhook // told about the recording; POST
	Transcript       *bool   // default false
	TranscriptionURL string
	Track            RecordTrack // of a participant's recording only
}

// An MPCRecording is a recording that was started.
type MPCRecording struct {
	APIID   string
	Message string
	ID      string // may be empty if the provider does not say
	URL     string // where it will be; may be empty
}

// StartRecording records the whole call.
func (c *Client) StartRecording(ctx context.Context, mpc MPCRef, p *RecordingParams) (MPCRecording, error) {
	call := newMPCCall("StartRecording", http.MethodPost, mpc).path("Record")
	call.check(p == nil || p.Track == "", "Track is set, which only a participant's recording has")
	return c.startRecording(ctx, call, p)
}

// StopRecording ends the recording of the whole call.
func (c *Client) StopRecording(ctx context.Context, mpc MPCRef) error {
	return c.exec(ctx, newMPCCall("StopRecording", http.MethodDelete, mpc).path("Record"))
}

// PauseRecording suspends the recording of the whole call.
func (c *Client) PauseRecording(ctx context.Context, mpc MPCRef) error {
	return c.exec(ctx, newMPCCall("PauseRecording", http.MethodPost, mpc).path("Record", "Pause"))
}

// ResumeRecording continues the recording of the whole call.
func (c *Client) ResumeRecording(ctx context.Context, mpc MPCRef) error {
	return c.exec(ctx, newMPCCall("ResumeRecording", http.MethodPost, mpc).path("Record", "Resume"))
}

// StartParticipantRecording records one participant.
func (c *Client) StartParticipantRecording(ctx context.Context, mpc MPCRef, id MemberID, p *RecordingParams) (MPCRecording, error) {
	call := newMPCCall("StartParticipantRecording", http.MethodPost, mpc).path("Participant").member(id).path("Record")
	if p != nil {
		call.track(p.Track)
	}
	return c.startRecording(ctx, call, p)
}

// StopParticipantRecording ends a recording of one participant.
func (c *Client) StopParticipantRecording(ctx context.Context, mpc MPCRef, id MemberID, track RecordTrack) error {
	call := newMPCCall("StopParticipantRecording", http.MethodDelete, mpc).path("Participant").member(id).path("Record")
	call.track(track)
	return c.exec(ctx, call)
}

// PauseParticipantRecording suspends a recording of one participant.
func (c *Client) PauseParticipantRecording(ctx context.Context, mpc MPCRef, id MemberID, track RecordTrack) error {
	call := newMPCCall("PauseParticipantRecording", http.MethodPost, mpc).path("Participant").member(id).path("Record", "Pause")
	call.track(track)
	return c.exec(ctx, call)
}

// ResumeParticipantRecording continues a recording of one participant.
func (c *Client) ResumeParticipantRecording(ctx context.Context, mpc MPCRef, id MemberID, track RecordTrack) error {
	call := newMPCCall("ResumeParticipantRecording", http.MethodPost, mpc).path("Participant").member(id).path("Record", "Resume")
	call.track(track)
	return c.exec(ctx, call)
}

func (c *Client) startRecording(ctx context.Context, call *clientCall, p *RecordingParams) (MPCRecording, error) {
	if p != nil {
		call.oneOf("file_format", p.FileFormat, "mp3", "wav")
		call.hook("recording_callback_url", "recording_callback_method", p.Callback, http.MethodPost)
		call.flag("transcript", p.Transcript)
		call.address("transcription_url", p.TranscriptionURL)
	}
	obj, err := c.fetch(ctx, call)
	if err != nil {
		return MPCRecording{}, err
	}
	return MPCRecording{
		APIID:   obj.text("api_id"),
		Message: obj.text("message"),
		ID:      obj.text("recording_id"),
		URL:     obj.text("recording_url"),
	}, nil
}

// track goes where the method's arguments go: a DELETE's into the query.
func (c *clientCall) track(t RecordTrack) {
	const key = "record_track_type"
	switch t {
	case "":
		return
	case TrackParticipant, TrackAll, TrackBoth:
	default:
		c.check(false, "%s is not one of participant, all, both", key)
	}
	if c.method == http.MethodDelete {
		c.arg(key, string(t))
		return
	}
	c.set(key, string(t))
}
