"""Names that columns of chats bear, in English, Portuguese, Spanish, German and French; compared without case, marks,
spaces and underscores.
"""

import unicodedata
from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "ts": (
        "ts timestamp datetime datetimeutc timestamputc utctimestamp timestampms timestampmillis timestampseconds "
        "sentat createdat postedat sentdate senttime datesent timesent messagetime messagedate messagetimestamp "
        "messagedatetime createdtime createtime creationtime creationdate createdutc created datecreated createddate "
        "sentdatetime senton createdon sent dateandtime dateutc unixtime unixtimestamp epoch epochms utc dt eventtime "
        "msgtime msgdate serverts servertime "
        "datahora dataehora datadeenvio dataenvio enviadoem criadoem carimbodedatahora "
        "fechahora fechayhora fechadeenvio fechaenvio enviadoel creadoel marcadetiempo "
        "zeitstempel datumuhrzeit datumzeit datumundzeit datumunduhrzeit gesendet gesendetam erstelltam "
        "horodatage dateheure dateetheure dateenvoi datedenvoi envoyele creele "
        "date time day when data fecha datum quando cuando wann quand zeit hora uhrzeit heure moment",
        "receivedat receivedtime received datereceived publishedat published postdate timerecv",
    ),
    "author": (
        "author authorname sender sendername from fromname user username name nickname nick displayname realname "
        "fullname senderdisplayname userdisplayname authordisplayname authornickname authorusername senderusername "
        "fromuser fromusername who postedby sentby createdby member membername person participant participantname "
        "speaker writer handle screenname login contact contactname profilename pushname "
        "autor autora remetente usuario utilizador nome nomedousuario nomedeusuario participante contato contacto "
        "enviadopor remitente nombre nombredeusuario nombreusuario emisor "
        "absender verfasser benutzer benutzername nutzer nutzername teilnehmer mitglied kontakt gesendetvon wer "
        "auteur expediteur utilisateur nom nomdutilisateur pseudo pseudonyme participant membre envoyepar qui quem "
        "quien",
        "authorid senderid userid fromid memberid participantid phone phonenumber sendernumber senderphone number "
        "mobile msisdn telefone telefono telefon telephone fromnumber authoruserid",
    ),
    "text": (
        "text message body content msg messagetext messagebody messagecontent textmessage textcontent msgtext "
        "contents textbody rawtext plaintext cleancontent contenttext chatmessage bodytext "
        "texto mensagem corpo conteudo textodamensagem mensaje contenido cuerpo textodelmensaje "
        "nachricht nachrichtentext inhalt textinhalt texte contenu corps textedumessage",
        "comment post caption said line utterance messages comentario kommentar commentaire beitrag",
    ),
    "chat": (
        "chatid channelid conversationid roomid threadid groupid dialogid peerid chat channel conversation room "
        "dialog chatname channelname conversationname roomname groupname chattitle channeltitle conversationtitle "
        "threadname chatsession chatroom group "
        "canal grupo conversa conversacion sala nomedogrupo gruppe kanal unterhaltung raum chatraum groupe salon "
        "discussion thread",
    ),
    "id": ("messageid msgid mid id guid uuid messageguid messageuuid uid idmensagem idmensaje nachrichtenid",),
    "reply_to": (
        "replyto inreplyto replytoid replytomessageid replytomsgid inreplytoid inreplytomessageid parentid "
        "parentmessageid parent quotedmessageid quotedid replyid repliedto repliedtoid referencedmessageid "
        "respondea respostaa emrespostaa enrespuestaa respuestaa antwortauf enreponsea reponsea",
    ),
    "kind": ("kind messagetype msgtype type messagekind eventtype contenttype mediatype tipo nachrichtentyp typ",),
    "media": (
        "media attachments attachment mediafiles mediafile files file filename filenames attachmentname "
        "attachmentnames mediapath mediaurl attachmenturl attachmenturls fileurl "
        "anexo anexos midia arquivo arquivos adjunto adjuntos archivo archivos anhang anhange datei dateien "
        "piecejointe piecesjointes fichier fichiers",
    ),
    "edited": (
        "edited isedited wasedited editedat editedtime timestampedited lastedited edittime editdate dateedited "
        "editado editada editadoem bearbeitet modifie modifiee",
    ),
    "reactions": (
        "reactions reactioncount reactionscount numreactions nreactions reaction totalreactions "
        "reacoes reacciones reaktionen",
    ),
    "topic": ("topic topicname forumtopic topico tema thema sujet",),
}
"""Field -> spellings in groups: a group is asked only where no column bears a name of one before it."""

DATES: Final = words("date day data fecha datum dia tag jour messagedate sentdate datesent createddate msgdate dateutc")
CLOCKS: Final = words("time hora uhrzeit heure zeit clock hour horario timeofday messagetime senttime timesent msgtime")
"""Names of a date and of a time of day where these stand in two columns."""


def folded(name: str) -> str:
    """A column's name for comparison: letters and digits alone, without marks, in one case."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in plain if sign.isalnum())


GROUPS: Final = {field: [words(group) for group in groups] for field, groups in KNOWN.items()}
_CONTAINERS: Final = words("data payload message msg event attributes record item node fields source")
_WRAPPERS: Final = (".$date", ".$oid", ".$numberLong", ".$date.$numberLong")


def spellings(column: str) -> set[str]:
    """The forms in which a column's name is looked up; of a nested one also without what it is merely kept in."""
    for wrapper in reversed(_WRAPPERS):
        column = column.removesuffix(wrapper)
    found = {folded(column)}
    head, dot, rest = column.partition(".")
    while dot and folded(head) in _CONTAINERS:
        found.add(folded(rest))
        head, dot, rest = rest.partition(".")
    return found


def known_fields(columns: list[str]) -> set[str]:
    """Which of the three needed fields some column's name could mean."""
    names = set().union(*map(spellings, columns)) if columns else set()
    dated = bool(names & DATES) and bool(names & CLOCKS)
    found = {field for field in ("ts", "author", "text") if any(names & group for group in GROUPS[field])}
    return found | ({"ts"} if dated else set())
