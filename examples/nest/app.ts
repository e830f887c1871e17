import 'reflect-metadata'
import {
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  Module,
  Post,
  Session,
  UseGuards,
  type DynamicModule,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { session as expressSession } from '@sess/express'
import { session as fastifySession } from '@sess/fastify'
import { signedIn, signedInWithin } from './guards.ts'
import { SESSIONS, type AppSession, type AppSessions } from './session.ts'

@Controller()
class ShopController {
  @Get()
  page(@Session() session: AppSession): object {
    const [notice] = session.flashed('notice')
    return { user: session.subject ?? null, cart: session.data.cart ?? [], notice }
  }

  @Post('cart')
  async add(@Session() session: AppSession, @Body() { item }: { item: string }): Promise<object> {
    await session.update((data) => void (data.cart ??= []).push(item)) // atomic
    return { added: item }
  }

  @Post('login')
  @HttpCode(200)
  async login(@Session() session: AppSession, @Body() { name }: { name: string }): Promise<object> {
    await session.login(name) // once you have checked who it is
    return { user: name }
  }

  @Post('logout')
  @HttpCode(200)
  async logout(@Session() session: AppSession): Promise<object> {
    await session.logout()
    session.flash('notice', 'Signed out')
    return { user: null }
  }
}

@Controller('account')
@UseGuards(signedIn)
class AccountController {
  @Inject(SESSIONS)
  private readonly sessions!: AppSessions

  @Get('devices')
  async devices(@Session() session: AppSession): Promise<object> {
    const devices: object[] = []
    for await (const { handle, createdAt } of this.sessions.listSubject(session.subject!))
      devices.push({ handle, createdAt })
    return devices
  }

  @Post('sign-out-elsewhere')
  @UseGuards(signedInWithin('5m'))
  @HttpCode(200)
  async signOutElsewhere(@Session() session: AppSession): Promise<object> {
    return { ended: await this.sessions.revokeSubject(session.subject!, { except: session }) }
  }
}

@Module({ controllers: [ShopController, AccountController] })
class AppModule {
  readonly name = 'shop'
}

const moduleWith = (sessions: AppSessions): DynamicModule => ({
  module: AppModule,
  providers: [{ provide: SESSIONS, useValue: sessions }],
})

/** Whether the cookie needs https. False on a developer's own machine. */
interface Options {
  readonly secure: boolean
}

/** On Express: a middleware, before everything that Nest does. */
export async function onExpress(sessions: AppSessions, { secure }: Options): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(moduleWith(sessions), new ExpressAdapter(), {
    logger: ['error'],
  })
  app.set('trust proxy', 1) // behind one proxy that ends TLS
  app.use(expressSession(sessions, { cookie: { secure } }))
  return app
}

/** On Fastify: a plugin, not a middleware. It is registered before `listen()` or `init()`. */
export async function onFastify(sessions: AppSessions, { secure }: Options): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({ trustProxy: true }) // behind a proxy that ends TLS
  const app = await NestFactory.create<NestFastifyApplication>(moduleWith(sessions), adapter, { logger: ['error'] })
  await app.register(fastifySession(sessions, { cookie: { secure } }))
  return app
}
