package coaching

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"
)

// A Playback is audio or speech that was queued.
type Playback struct {
	APIID   string
	Message string
	Members []MemberID // who will hear it, if the provider says
	MPCName string
}

// SpeakParams is what to say and how. Voices, languages and types are those of
// Plivo's Speak API.
type SpeakParams struct {
	Text     string  // required
	Voice    string  // empty: Plivo's default
	Language string  // empty: Plivo's default
	Mix      *bool   // the call stays audible meanwhile
	Type     string  // of Text, such as "ssml"; empty: plain text
	Callback Webhook // told when it is over; POST
}

// PlayAudio plays the audio file at url, mp3 or wav, to participants.
func (c *Client) PlayAudio(ctx context.Context, mpc MPCRef, who Members, url string) (Playback, error) {
	call := newMPCCall("PlayAudio", http.MethodPost, mpc).path("Member").members(who).path("Play")
	call.check(url != "", "url is missing")
	call.address("url", url) // some pages say urls; every SDK of Plivo sends url
	return c.playback(ctx, call)
}

// StopAudio stops what [Client.PlayAudio] plays. Name the same participants in
// the same way: audio played to all is not stopped one by one.
func (c *Client) StopAudio(ctx context.Context, mpc MPCRef, who Members) error {
	return c.exec(ctx, newMPCCall("StopAudio", http.MethodDelete, mpc).path("Member").members(who).path("Play"))
}

// Speak reads a text to one participant.
func (c *Client) Speak(ctx context.Context, mpc MPCRef, id MemberID, p SpeakParams) (Playback, error) {
	call := newMPCCall("Speak", http.MethodPost, mpc).path("Member").member(id).path("Speak")
	call.check(strings.TrimSpace(p.Text) != "" && utf8.ValidString(p.Text), "text is missing or not UTF-8")
	call.set("text", p.Text)
	call.text("voice", p.Voice, 100)
	call.text("language", p.Language, 100)
	call.flag("mix", p.Mix)
	call.text("type", p.Type, 100)
	call.hook("callback_url", "callback_method", p.Callback, http.MethodPost)
	return c.playback(ctx, call)
}

// StopSpeaking stops what [Client.Speak] says.
func (c *Client) StopSpeaking(ctx context.Context, mpc MPCRef, id MemberID) error {
	return c.exec(ctx, newMPCCall("StopSpeaking", http.MethodDelete, mpc).path("Member").member(id).path("Speak"))
}

func (c *Client) playback(ctx context.Context, call *clientCall) (Playback, error) {
	obj, err := c.fetch(ctx, call)
	if err != nil {
		return Playback{}, err
	}
	p := Playback{APIID: obj.text("api_id"), Message: obj.text("message"), MPCName: obj.text("mpcName")}
	for _, id := range obj.texts("mpcMemberId") {
		p.Members = append(p.Members, MemberID(id))
	}
	return p, nil
}
