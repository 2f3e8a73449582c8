//! The gate of the dashboard: who asks for a page, that a form comes from one of our own pages, and that whatever goes wrong
//! behind it is told as a page.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use runtime::http::Problem;

use super::failure;
use super::fields::{CSRF, Fields};
use crate::body::Body;
use crate::door::Door;

/// Middleware: reads the form, if it is one, admits who sends it, and lets [`failure`] speak for every problem.
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
    let mut shown = None;
    if !request.method().is_safe() {
        let fields = Fields::read(&request.extract::<Body>().await?.0);
        shown = Some(fields.get(CSRF).to_owned());
        request.extensions_mut().insert(fields);
    }
    let verdict = door.admit(request.request(), shown.as_deref()).await?;
    request.extensions_mut().insert(verdict);
    Ok(())
}
