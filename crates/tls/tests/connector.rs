//! Whom a connector believes, what it shows, and which sessions it takes up.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, ServerConnection};
use tls::{
    Authority, ClientCertificates, Connector, ConnectorTerms, Identity, Offer, Policy, SelfSigned, Session,
    Terminator, Terms, Trust, self_signed, server_name,
};

fn made(name: &str) -> SelfSigned {
    self_signed(&[name.to_owned()], 30).expect("the name is good")
}

fn identity(made: &SelfSigned) -> Arc<Identity> {
    Arc::new(Identity::from_pem(made.certificate.as_bytes(), made.key.as_bytes()).expect("an identity"))
}

fn authority(made: &SelfSigned) -> Authority {
    Authority::from_pem(made.certificate.as_bytes()).expect("an authority")
}

fn connector(trust: Trust, shown: Option<&SelfSigned>) -> Connector {
    Connector::new(ConnectorTerms { trust, identity: shown.map(identity), offer: Offer::Http1 })
        .expect("a connector")
}

fn terminator(own: &SelfSigned, clients: Option<&SelfSigned>) -> Terminator {
    let clients = clients.map(|made| ClientCertificates { authority: authority(made), required: true });
    let terms = Terms {
        identities: vec![identity(own)],
        policy: Policy::Intermediate,
        http1: true,
        http2: false,
        clients,
    };
    Terminator::new(terms).expect("a terminator")
}

/// Shakes hands in memory, up to and with the tickets that follow; `Err`: what either side says.
fn shake(
    connector: &Connector,
    name: &str,
    terminator: &Terminator,
) -> Result<(ClientConnection, Session), rustls::Error> {
    shake_by(connector.config(), name, terminator)
}

fn shake_by(
    config: &Arc<ClientConfig>,
    name: &str,
    terminator: &Terminator,
) -> Result<(ClientConnection, Session), rustls::Error> {
    let (client, server) = both_ends(config, name, terminator)?;
    terminator.verify_again(&server)?;
    Ok((client, Session::of(&server)))
}

fn both_ends(
    config: &Arc<ClientConfig>,
    name: &str,
    terminator: &Terminator,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let name = server_name(name).expect("a name");
    let mut client = ClientConnection::new(config.clone(), name)?;
    let mut server = ServerConnection::new(terminator.config().clone())?;
    while client.wants_write() || server.wants_write() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).expect("memory takes all");
        server.read_tls(&mut &*wire).expect("memory gives all");
        server.process_new_packets()?;
        wire.clear();
        server.write_tls(&mut wire).expect("memory takes all");
        client.read_tls(&mut &*wire).expect("memory gives all");
        client.process_new_packets()?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((client, server))
}

#[test]
fn a_certificate_that_has_ended_does_not_come_with_a_session_either() {
    let own = made("orders.internal");
    let mut parameters = CertificateParams::new(["client".to_owned()]).expect("the name is good");
    parameters.not_after = (SystemTime::now() + Duration::from_secs(3)).into();
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let brief = SelfSigned { certificate: certificate.pem(), key: key.serialize_pem() };
    let terminator = terminator(&own, Some(&brief));
    let connector = connector(Trust::Authority(authority(&own)), Some(&brief));
    let shake = || both_ends(connector.config(), "orders.internal", &terminator).expect("a handshake");
    let (first, again) = (shake(), shake());
    let kinds = [&first, &again].map(|(client, _)| client.handshake_kind());
    assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
    assert_eq!([first, again].map(|(_, server)| terminator.verify_again(&server)), [Ok(()), Ok(())]);
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let (client, server) = shake();
        assert_eq!(client.handshake_kind(), Some(HandshakeKind::Resumed));
        if terminator.verify_again(&server).is_err() {
            break;
        }
        assert!(Instant::now() < end, "it is believed for ever");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn who_is_not_vouched_for_by_name_is_not_believed() {
    let (own, other) = (made("orders.internal"), made("orders.internal"));
    let terminator = terminator(&own, None);
    for (trust, name, expected) in [
        (Trust::Authority(authority(&own)), "orders.internal", true),
        (Trust::Authority(authority(&own)), "users.internal", false),
        (Trust::Authority(authority(&own)), "127.0.0.1", false),
        (Trust::Authority(authority(&other)), "orders.internal", false),
        (Trust::Anyone, "users.internal", true),
    ] {
        let connector = connector(trust, None);
        let shaken = shake(&connector, name, &terminator);
        assert_eq!(shaken.is_ok(), expected, "{:?} {name}: {:?}", connector.terms(), shaken.err());
    }
}

#[test]
fn an_address_is_vouched_for_like_a_name() {
    let own = made("127.0.0.1");
    let connector = connector(Trust::Authority(authority(&own)), None);
    let terminator = terminator(&own, None);
    assert!(shake(&connector, "127.0.0.1", &terminator).is_ok());
    assert!(shake(&connector, "127.0.0.2", &terminator).is_err());
}

#[test]
fn a_server_that_demands_a_certificate_is_shown_it() {
    let (own, client, stranger) = (made("orders.internal"), made("gateway"), made("stranger"));
    let terminator = terminator(&own, Some(&client));
    let subject = |shown: Option<&SelfSigned>| {
        let connector = connector(Trust::Authority(authority(&own)), shown);
        let (_, session) = shake(&connector, "orders.internal", &terminator).ok()?;
        session.client.map(|client| client.subject)
    };
    assert_eq!(subject(Some(&client)).as_deref(), Some("CN=gateway"));
    assert_eq!(subject(Some(&stranger)), None);
    assert_eq!(subject(None), None);
}

#[test]
fn sessions_are_taken_up_by_name_and_by_the_same_connector_alone() {
    let own = self_signed(&["a.internal".to_owned(), "b.internal".to_owned()], 30).expect("good names");
    let terminator = terminator(&own, None);
    let kind = |connector: &Connector, name: &str| {
        let (client, _) = shake(connector, name, &terminator).expect("a handshake");
        assert_eq!(client.alpn_protocol(), Some(b"http/1.1".as_slice()));
        client.handshake_kind().expect("it is done")
    };
    let one = connector(Trust::Authority(authority(&own)), None);
    assert_eq!(kind(&one, "a.internal"), HandshakeKind::Full);
    assert_eq!(kind(&one, "a.internal"), HandshakeKind::Resumed);
    assert_eq!(kind(&one, "b.internal"), HandshakeKind::Full);
    // One that would not believe the server takes nothing from one that does.
    assert_eq!(kind(&connector(Trust::Anyone, None), "a.internal"), HandshakeKind::Full);
}

#[test]
fn of_what_is_offered_the_server_picks() {
    let own = made("orders.internal");
    let agreed = |config: &Arc<ClientConfig>, [http1, http2]: [bool; 2]| {
        let terms = Terms {
            identities: vec![identity(&own)],
            policy: Policy::Intermediate,
            http1,
            http2,
            clients: None,
        };
        let terminator = Terminator::new(terms).expect("a terminator");
        let shaken = shake_by(config, "orders.internal", &terminator);
        shaken.map(|(client, _)| client.alpn_protocol().map(<[u8]>::to_vec))
    };
    let (http1, http2) = (Some(b"http/1.1".to_vec()), Some(b"h2".to_vec()));
    let offering = |offer| {
        let trust = Trust::Authority(authority(&own));
        Connector::new(ConnectorTerms { trust, identity: None, offer }).expect("a connector")
    };
    let either = offering(Offer::Either);
    assert_eq!(agreed(either.config(), [true, true]), Ok(http2.clone()));
    assert_eq!(agreed(either.config(), [false, true]), Ok(http2));
    assert_eq!(agreed(either.config(), [true, false]), Ok(http1.clone()));
    for connector in [either, offering(Offer::Http1), offering(Offer::Http2)] {
        assert_eq!(agreed(connector.http1_config(), [true, true]), Ok(http1.clone()));
        assert_eq!(
            agreed(connector.http1_config(), [false, true]),
            Err(rustls::Error::NoApplicationProtocol)
        );
    }
    assert_eq!(
        agreed(offering(Offer::Http2).config(), [true, false]),
        Err(rustls::Error::NoApplicationProtocol)
    );
}

#[test]
fn connectors_are_equal_when_their_terms_are() {
    let (one, other) = (made("a.internal"), made("a.internal"));
    let own = |made: &SelfSigned| Trust::Authority(authority(made));
    assert_eq!(connector(own(&one), Some(&one)), connector(own(&one), Some(&one)));
    assert_ne!(connector(own(&one), Some(&one)), connector(own(&one), Some(&other)));
    assert_ne!(connector(own(&one), None), connector(own(&other), None));
    assert_ne!(connector(own(&one), None), connector(Trust::Anyone, None));
}
