#!/usr/bin/perl
# Makes the scrip by which Request Tracker 5 tells vulndesk of every transaction on a ticket, by Standard Webhooks. Where
# to, and with which secret, stands in the JSON file that VULNDESK_HOOKS names in the server's environment:
# {"url": "https://…/hooks/tickets/…", "secret": "whsec_…"}. It is read each time, so a new secret needs no restart.
use strict;
use warnings;
use lib '/usr/share/request-tracker5/lib';
use RT;
RT::LoadConfig();
RT::Init();

my $name = 'Tell vulndesk';
my $code = <<'PERL';
use Digest::SHA qw(hmac_sha256); use JSON; use LWP::UserAgent; use MIME::Base64;
my $told = eval {
    open my $file, '<', $ENV{VULNDESK_HOOKS} or die "VULNDESK_HOOKS: $!";
    my $settings = JSON->new->decode(do { local $/; <$file> });
    (my $secret = $settings->{secret}) =~ s/^whsec_//;
    my ($id, $at) = ('rt-' . $self->TransactionObj->Id, time);
    my $body = JSON->new->encode({ id => $self->TicketObj->Id + 0 });
    my $signature = encode_base64(hmac_sha256("$id.$at.$body", decode_base64($secret)), '');
    my $answer = LWP::UserAgent->new(timeout => 5)->post($settings->{url}, 'Content-Type' => 'application/json',
        'webhook-id' => $id, 'webhook-timestamp' => $at, 'webhook-signature' => "v1,$signature", Content => $body);
    die $answer->status_line unless $answer->is_success;
    1;
};
# A hook that is lost costs time and nothing else: the transaction never fails for it.
RT->Logger->warning("vulndesk was not told: $@") unless $told;
1;
PERL

my $scrip = RT::Scrip->new(RT->SystemUser);
$scrip->LoadByCols(Description => $name);
if ($scrip->Id) {
    $scrip->SetCustomCommitCode($code);
} else {
    my ($done, $words) = $scrip->Create(
        Description => $name, Queue => 0, ScripCondition => 'On Transaction', ScripAction => 'User Defined',
        Template => 'Blank', Stage => 'TransactionCreate', CustomPrepareCode => '1;', CustomCommitCode => $code,
    );
    die $words unless $done;
}
