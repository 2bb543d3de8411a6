//! Real NGINX as the origin: what comes through the gateway is what it says directly.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::{FreeAddress, RawClient, Response, pattern, single_upstream};

use crate::{outside, start};

struct Nginx {
    child: Child,
    address: String,
    /// Where it wants PROXY headers: in cleartext, before TLS, on a socket.
    behind: [String; 3],
    directory: TempDir,
    _kept: [FreeAddress; 3],
}

impl Nginx {
    fn start() -> Option<Self> {
        let program = outside::program("nginx")?;
        let directory = tempfile::tempdir().unwrap();
        let kept = [FreeAddress::new(), FreeAddress::new(), FreeAddress::new()];
        let [address, plain, secured] = kept.each_ref().map(|free| free.address().to_owned());
        let socket = format!("unix:{}", directory.path().join("nginx.sock").display());
        let behind = [plain, secured, socket];
        let pair = tls::self_signed(&["nginx.internal".to_owned()], 2).unwrap();
        std::fs::write(directory.path().join("own.pem"), pair.certificate).unwrap();
        std::fs::write(directory.path().join("own.key"), pair.key).unwrap();
        std::fs::create_dir(directory.path().join("html")).unwrap();
        let config = config(directory.path(), &address, &behind);
        std::fs::write(directory.path().join("nginx.conf"), config).unwrap();
        let child = Command::new(program)
            .args(["-e", "stderr", "-p"])
            .arg(directory.path())
            .args(["-c", "nginx.conf"])
            .stdin(Stdio::null())
            .stderr(File::create(directory.path().join("errors")).unwrap())
            .spawn()
            .unwrap();
        let nginx = Self { child, address, behind, directory, _kept: kept };
        let end = Instant::now() + Duration::from_secs(10);
        while RawClient::connect(&nginx.address).is_err() {
            let errors = || std::fs::read_to_string(nginx.directory.path().join("errors")).unwrap();
            assert!(Instant::now() < end, "nginx does not start: {}", errors());
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(nginx)
    }

    fn write(&self, name: &str, bytes: usize) {
        let mut content = Vec::with_capacity(bytes);
        while content.len() < bytes {
            let block = pattern(content.len() as u64);
            content.extend_from_slice(&block[..block.len().min(bytes - content.len())]);
        }
        std::fs::write(self.directory.path().join("html").join(name), content).unwrap();
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // One that has ended already need not be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(directory: &Path, address: &str, [plain, secured, socket]: &[String; 3]) -> String {
    let here = directory.display();
    let user = if outside::succeeds("test", &["-w", "/root"]) { "user root;" } else { "" };
    format!(
        "{user} daemon off; master_process off; worker_processes 1; pid {here}/pid; error_log stderr crit;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log off; keepalive_timeout 60; client_max_body_size 100m; default_type text/plain;\n\
         client_body_temp_path {here}/body; proxy_temp_path {here}/p; fastcgi_temp_path {here}/f;\n\
         uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;\n\
         server {{ listen {address}; root {here}/html;\n\
         location / {{ dav_methods PUT DELETE; gzip on; gzip_types *; gzip_min_length 1;\n\
         gzip_proxied any; }} }}\n\
         server {{ listen {plain} proxy_protocol; listen {secured} ssl proxy_protocol;\n\
         listen {socket} proxy_protocol; ssl_certificate {here}/own.pem; ssl_certificate_key {here}/own.key;\n\
         return 200 \"$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port\"; }} }}\n"
    )
}

/// Parts of an answer that may not change on the way.
fn essence(response: &Response) -> (u16, Vec<u8>, Vec<Option<String>>) {
    let names = [
        "etag",
        "last-modified",
        "content-type",
        "content-encoding",
        "content-range",
        "accept-ranges",
        "server",
    ];
    let fields = names.iter().map(|name| response.fields.first(name).map(ToOwned::to_owned)).collect();
    (response.status(), response.body.clone(), fields)
}

#[test]
fn answers_are_the_same_through_the_gateway() {
    let Some(nginx) = Nginx::start() else { return };
    let gateway = start(&single_upstream(&nginx.address));
    let (mut direct, mut through) = (RawClient::connect(&nginx.address).unwrap(), gateway.connect().unwrap());
    for size in [
        0,
        1,
        2,
        127,
        1000,
        1023,
        1024,
        4095,
        4096,
        8191,
        16384,
        16385,
        65535,
        65536,
        65537,
        262_144,
        1 << 20,
    ] {
        nginx.write(&size.to_string(), size);
        for fields in [
            "",
            "Accept-Encoding: gzip\r\n",
            "Range: bytes=0-0\r\n",
            "Range: bytes=100-\r\n",
            "Range: bytes=-5\r\n",
            "Range: bytes=0-1,5-9\r\n",
            "If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT\r\n",
        ] {
            for method in ["GET", "HEAD"] {
                let request = format!("{method} /{size} HTTP/1.1\r\nHost: test\r\n{fields}\r\n");
                let (mut expected, mut got) = (direct.ask(&request).unwrap(), through.ask(&request).unwrap());
                if fields.contains(',') {
                    // The boundary of a multipart answer is made anew each time.
                    expected.body.clear();
                    got.body.clear();
                    expected.fields.0.retain(|(n, _)| n != "Content-Type");
                    got.fields.0.retain(|(n, _)| !n.eq_ignore_ascii_case("content-type"));
                }
                assert!(
                    essence(&expected) == essence(&got),
                    "{request}\n{:?}\n{:?}",
                    expected.fields,
                    got.fields
                );
            }
        }
    }
}

#[test]
fn uploads_arrive_whole() {
    let Some(nginx) = Nginx::start() else { return };
    let gateway = start(&single_upstream(&nginx.address));
    let mut client = gateway.connect().unwrap();
    for size in [0, 1, 100, 16_384, 65_537, 1 << 20] {
        let content = vec![b'x'; size];
        let head = format!("PUT /up HTTP/1.1\r\nHost: test\r\nContent-Length: {size}\r\n\r\n");
        let put = client.ask([head.as_bytes(), &content].concat()).unwrap();
        assert!([201, 204].contains(&put.status()), "{size}: {} {}", put.status(), put.text());
        let chunked = "PUT /up2 HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut bytes = chunked.as_bytes().to_vec();
        for piece in content.chunks(1000) {
            bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        let put = client.ask(bytes).unwrap();
        assert!([201, 204].contains(&put.status()), "{size} chunked: {}", put.status());
        for name in ["up", "up2"] {
            let back = client.ask(format!("GET /{name} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
            assert!(back.body == content, "{name}, {size} bytes: {} came back", back.body.len());
        }
    }
}

#[test]
fn expectations_and_old_clients_work_with_nginx() {
    let Some(nginx) = Nginx::start() else { return };
    nginx.write("f", 5000);
    let gateway = start(&single_upstream(&nginx.address));
    let mut client = gateway.connect().unwrap();
    client
        .send("PUT /e HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        .unwrap();
    assert_eq!(client.head().unwrap().0.status, 100);
    client.send("abc").unwrap();
    assert_eq!(client.response("PUT").unwrap().status(), 201);
    let old = gateway.ask("GET /f HTTP/1.0\r\nHost: test\r\nAccept-Encoding: gzip\r\n\r\n").unwrap();
    assert_eq!(old.status(), 200);
    assert_eq!(gateway.get("/none").unwrap().status(), 404);
}

#[test]
fn nginx_is_told_of_clients_by_proxy_headers() {
    let Some(nginx) = Nginx::start() else { return };
    let [plain, secured, socket] = &nginx.behind;
    let authority = nginx.directory.path().join("own.pem");
    let secure = format!("tls = {{ authority = {authority:?}, name = \"nginx.internal\" }}\n");
    let said = |client: &str| format!("PROXY {client} 56324 443\r\nGET / HTTP/1.1\r\nHost: test\r\n\r\n");
    for (endpoint, tls) in [(plain, ""), (secured, secure.as_str()), (socket, "")] {
        for version in ["v1", "v2"] {
            let keys = format!("endpoints = [\"{endpoint}\"]\nproxy_protocol = \"{version}\"\n{tls}");
            let gateway = start(&format!(
                "[[listener]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = [\"127.0.0.1\"]\n\
                 [upstream.nginx]\n{keys}\n[[route]]\npath = \"/*\"\nupstream = \"nginx\"\n"
            ));
            for (client, expected) in [
                ("TCP4 192.0.2.1 198.51.100.2", "192.0.2.1 56324 198.51.100.2 443"),
                ("TCP6 2001:db8::1 2001:db8::2", "2001:db8::1 56324 2001:db8::2 443"),
            ] {
                let answer = gateway.ask(said(client)).unwrap();
                assert_eq!((answer.status(), answer.text()), (200, expected.to_owned()), "{keys}");
            }
        }
    }
}
