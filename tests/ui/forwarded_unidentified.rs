//! Nothing is forwarded for a request that has not been identified: a route is not enough, it takes what identifying makes.
use std::sync::Arc;

use proxy::adapter::Downstream;
use proxy::{Exchange, ProxyHttp, Request, Response, Route, to_upstream};

async fn forward<P: ProxyHttp, D: Downstream>(
    exchange: &mut Exchange<'_, P>,
    route: Arc<Route>,
    request: &mut Request,
    response: &mut Response,
    downstream: &mut D,
) {
    let _ = to_upstream(exchange, &route, request, response, downstream).await;
}

fn main() {}
