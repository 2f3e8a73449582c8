//! The gate of the dashboard: who asks for a page, that a form comes from one of our own pages, and that whatever goes wrong
//! behind it is told as a page.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use runtime::http::Problem;

use super::failure;
use super::fields::{CSRF, Fields};
use crate::auth::{Verdict, check_origin};
use crate::body::Body;
use crate::door::Door;
use crate::refusal::Refusal;

/// Bytes of a form of whom nobody knows. A token, and where it leads to, are smaller.
const OF_STRANGERS: usize = 64 * 1_024;

/// Middleware: admits who asks, reads the form that they send, if it is one, and lets [`failure`] speak for every problem.
pub(super) async fn pass<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(problem) = look(&mut request).await {
        let answer = failure::answer(request.request(), &problem);
        return Ok(request.into_response(answer));
    }
    let response = next.call(request).await?.map_into_boxed_body();
    let problem = response.response().error().and_then(|error| error.as_error::<Problem>()).cloned();
    Ok(match problem {
        None => response,
        Some(problem) => {
            let answer = failure::answer(response.request(), &problem);
            response.into_response(answer)
        }
    })
}

async fn look(request: &mut ServiceRequest) -> Result<(), Problem> {
    let door = request.app_data::<web::Data<Door>>().cloned().ok_or_else(Problem::internal)?;
    let Verdict(mut found) = door.admit(request.request()).await?;
    if !request.method().is_safe() {
        // Not before it is known who sends it: anybody could have us hold as many large ones as they like.
        let body = match &found {
            Ok(_) => request.extract::<Body>().await?,
            Err(why) => {
                let sent = request.extract::<web::Payload>().await.map_err(|_taken| Problem::internal())?;
                let is_stranger = why.code() == Problem::from(Refusal::NoToken).code();
                // Whose session is over is led to the login, however much they send.
                Body::within(OF_STRANGERS, sent)
                    .await
                    .map_err(|unread| if is_stranger { unread } else { why.clone() })?
            }
        };
        let fields = Fields::read(&body.0);
        found = found.and_then(|identity| {
            if let Some(session) = &identity.session {
                check_origin(request.request(), session, Some(fields.get(CSRF)))?;
            }
            Ok(identity)
        });
        request.extensions_mut().insert(fields);
    }
    request.extensions_mut().insert(Verdict(found));
    Ok(())
}
